"""Standings as a page in Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from latentpress.leaderboard.standings import ANCHOR, USUAL_BPP, Standing, against_anchor
from latentpress.report.bd import Delta
from latentpress.report.published import DATASETS, SOURCES, find_published

REFERENCE = "JPEG XL"
_NONE = "-"


def page(
    standings: Sequence[Standing], *, command: str, setting: str, dataset: str = "kodak", figure: str = ""
) -> str:
    """The leaderboard: who did how well at what cost, every point, and published curves for comparison.

    Args:
        standings: what was measured.
        command: how the page is made.
        setting: on which images, machine and versions it was measured.
        dataset: which published curves to list.
        figure: address of a figure to show; none if empty.
    """
    blocks = [
        "# Leaderboard",
        _filled(f"Made by `{command}`. {setting}"),
        *([f"![Rate and distortion of everything below]({figure})"] if figure else []),
        _introduction(dataset),
        "\n".join(_summary(standings)),
        *_warnings(standings),
        "## Points",
        *("\n".join(_points(standing)) for standing in _ranked(standings)),
        "## Published curves",
        _about_published(dataset),
        "\n".join(_published(dataset)),
    ]
    return "\n\n".join(blocks) + "\n"


def _introduction(dataset: str) -> str:
    return _filled(
        f"""BD-rate is how much more rate is needed than by {ANCHOR}'s published curve on {DATASETS[dataset]}
        for the same PSNR or MS-SSIM (in dB), by piecewise cubics over the range that both have; less is
        better. Rates are those of real files, headers included. PSNR is over R, G and B of eight bits, which
        puts codecs that halve the resolution of chroma (4:2:0) at a disadvantage at high rates; {ANCHOR}
        codes 4:4:4. Rates and PSNR are means over the images. Times are means over the images at the point
        nearest to {USUAL_BPP:g} bits per pixel, on one thread, beside those of {REFERENCE}. kMAC are
        thousands of multiplications, each with an addition, for each pixel."""
    )


def _filled(text: str) -> str:
    """A paragraph in lines of the documentation's width."""
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def _summary(standings: Sequence[Standing]) -> Iterator[str]:
    yield (
        "| | BD-rate, PSNR | BD-rate, MS-SSIM | encode, s | decode, s | "
        f"encode / {REFERENCE} | decode / {REFERENCE} | parameters | kMAC to encode | to decode |"
    )
    yield "|---" + "|---:" * 9 + "|"
    times = {standing.name: (standing.encoding_time, standing.decoding_time) for standing in standings}
    encoding_time, decoding_time = times.get(REFERENCE, (None, None))
    for standing in _ranked(standings):
        cells = [
            f"**{standing.name}**" if standing.is_model else standing.name,
            _percent(standing.bd_psnr),
            _percent(standing.bd_ms_ssim),
            _seconds(standing.encoding_time),
            _seconds(standing.decoding_time),
            _ratio(standing.encoding_time, encoding_time),
            _ratio(standing.decoding_time, decoding_time),
            *_costs(standing),
        ]
        yield f"| {' | '.join(cells)} |"


def _costs(standing: Standing) -> list[str]:
    counted = standing.complexity
    if counted is None:
        return [_NONE] * 3
    macs = [f"{macs / 1000:.1f}" for macs in (counted.encoding_macs, counted.decoding_macs)]
    return [f"{counted.parameters / 1e6:.1f} M", *macs]


def _ranked(standings: Sequence[Standing]) -> list[Standing]:
    """By BD-rate in PSNR; those without one last."""
    return sorted(standings, key=lambda s: (s.bd_psnr.value is None, s.bd_psnr.value or 0.0))


def _warnings(standings: Sequence[Standing]) -> list[str]:
    """What is to be said of the numbers, and of those that there are not."""
    said = [
        f"- {metric}: {delta.warning}"
        for standing in _ranked(standings)
        for metric, delta in (("PSNR", standing.bd_psnr), ("MS-SSIM", standing.bd_ms_ssim))
        if delta.warning is not None
    ]
    return ["\n".join(said)] if said else []


def _points(standing: Standing) -> Iterator[str]:
    yield f"### {standing.name}\n\n{standing.result.description}\n"
    yield "| quality | bpp | PSNR, dB | MS-SSIM | encode, s | decode, s |"
    yield "|---:" * 6 + "|"
    figures = {
        "bpp": 4, "psnr-rgb": 2, "ms-ssim-rgb": 4, "encoding_time": 3, "decoding_time": 3,
    }  # fmt: skip
    for label, values in zip(standing.result.points, standing.result.values, strict=True):
        cells = [
            _NONE if (value := values.get(name)) is None else f"{value:.{digits}f}"
            for name, digits in figures.items()
        ]
        yield f"| {label.removeprefix('quality ')} | {' | '.join(cells)} |"


def _about_published(dataset: str) -> str:
    sources = " and ".join(f"[{name}]({address})" for name, address in SOURCES.items())
    return _filled(
        f"""Not run here: curves on {DATASETS[dataset]} that {sources} publish, measured by their authors,
        against the same anchor."""
    )


def _published(dataset: str) -> Iterator[str]:
    yield "| | BD-rate, PSNR | kind | source |"
    yield "|---|---:|---|---|"
    curves = [(against_anchor(curve), curve) for curve in find_published(["all"], dataset=dataset)]
    ranked = sorted(curves, key=lambda pair: (pair[0].value is None, pair[0].value or 0.0))
    codecs = {curve.name for curve in find_published(["codecs"], dataset=dataset)}
    for delta, curve in ranked:
        kind = "codec" if curve.name in codecs else "model"
        yield f"| {curve.name} | {_percent(delta)} | {kind} | {curve.source} |"


def _percent(delta: Delta) -> str:
    return _NONE if delta.value is None else f"{delta.value:+.1f} %"


def _seconds(seconds: float | None) -> str:
    return _NONE if seconds is None else f"{seconds:.3f}"


def _ratio(seconds: float | None, reference: float | None) -> str:
    return f"{seconds / reference:.2f}" if seconds is not None and reference else _NONE
