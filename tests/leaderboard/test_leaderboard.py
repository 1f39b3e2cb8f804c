"""What competes, how it did, and the page that says so."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from latentpress import zoo
from latentpress.cli import main
from latentpress.errors import ConfigurationError
from latentpress.evaluation.complexity import Complexity
from latentpress.leaderboard import contenders, page, standing_of
from latentpress.report.published import find_published


def record(name: str, points: Sequence[tuple[float, float]], seconds: float) -> dict[str, Any]:
    count = len(points)
    return {
        "name": name,
        "description": f"how {name} was run",
        "points": [f"quality {index}" for index in range(count)],
        "results": {
            "bpp": [bpp for bpp, _ in points],
            "psnr-rgb": [psnr for _, psnr in points],
            "encoding_time": [seconds * (index + 1) for index in range(count)],
            "decoding_time": [0.5] * count,
        },
    }


VTM = find_published(["VTM"])[0].points


def test_models_with_weights_and_usable_codecs_compete() -> None:
    found = {contender.key: contender for contender in contenders()}
    assert next(iter(found)) == zoo.DEFAULT_MODEL
    assert {"jpeg", "jpeg2000", "webp", "avif"} <= set(found)
    assert [found["jpeg"].is_model, found[zoo.DEFAULT_MODEL].is_model] == [False, True]
    counted = found[zoo.DEFAULT_MODEL].complexity()
    assert counted is not None
    assert 1e4 < counted.decoding_macs < 1e5
    assert found["jpeg"].complexity() is None


def test_cached_weights_compete_at_the_qualities_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    mean, small, ranged = (zoo.published_weights(n) for n in ("mbt2018-mean", "qres17m", "qarv_base"))
    here = {weights.file for weights in mean if (weights.metric, weights.quality) in (("mse", 1), ("mse", 5))}
    here |= {weights.file for weights in small if weights.quality == "lmb=4"}
    here |= {weights.file for weights in ranged}
    for room in ("zoo.listing", "leaderboard.competing"):
        monkeypatch.setattr(f"latentpress.{room}.is_cached", lambda weights: weights.file in here)
    found = {contender.key: contender.qualities for contender in contenders()}
    assert found["mbt2018-mean"] == (1, 5)
    assert found["qres17m"] == (4,)
    assert len(found["qarv_base"]) == 8


def test_what_cannot_run_here_is_refused_with_what_can() -> None:
    with pytest.raises(ConfigurationError, match=r"latentpress2026.*found 'gif'"):
        contenders(only=["gif"])


def test_the_distance_from_vtm_is_in_rate() -> None:
    worse = standing_of(record("worse", [(1.25 * bpp, psnr) for bpp, psnr in VTM], 1.0))
    assert worse.bd_psnr.value == pytest.approx(25)
    assert worse.bd_ms_ssim.value is None


def test_times_are_those_nearest_to_half_a_bit() -> None:
    standing = standing_of(record("x", [(0.1, 28.0), (0.45, 33.0), (0.8, 36.0)], 1.0))
    assert (standing.encoding_time, standing.decoding_time) == (2.0, 0.5)


def test_the_page_ranks_and_compares_with_jpeg_xl() -> None:
    jpeg_xl = standing_of(record("JPEG XL", [(1.5 * bpp, psnr) for bpp, psnr in VTM], 0.2))
    model = standing_of(
        record("net", [(0.9 * bpp, psnr) for bpp, psnr in VTM], 0.1),
        is_model=True,
        counted=Complexity(5_000_000, 20_000, 30_000),
    )
    lost = standing_of(record("lost", [(0.5, 30.0)], 1.0))
    text = page([jpeg_xl, lost, model], command="made so", setting="There.", figure="curves.svg")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    summary = [row for row in rows if row.count("|") == 11]
    assert summary[1].startswith("| **net** | -10.0 % | - |")
    assert summary[1].endswith("| 5.0 M | 20.0 | 30.0 |")
    assert summary[2].startswith("| JPEG XL | +50.0 %")
    ratio = model.encoding_time / jpeg_xl.encoding_time  # type: ignore[operator]
    assert f"| {ratio:.2f} | 1.00 |" in summary[1]
    assert summary[3].startswith("| lost | - | - |")
    assert "- PSNR: lost has 1 point" in text
    assert "how net was run" in text
    assert "](curves.svg)" in text
    assert "| VTM | +0.0 % | codec | CompressAI results |" in text


def test_one_command_measures_and_writes_page_results_and_figure(tmp_path: Path, photo: Image.Image) -> None:
    (tmp_path / "in").mkdir()
    photo.save(tmp_path / "in" / "a.png")
    given = [
        "leaderboard",
        tmp_path / "in",
        "-o",
        tmp_path / "out" / "page.md",
        "--only",
        "jpeg,webp",
        "-j",
        1,
    ]
    given += ["--results", tmp_path / "out" / "results", "--figure", tmp_path / "out" / "curves.svg"]
    result = CliRunner().invoke(main, [str(argument) for argument in given])
    assert result.exit_code == 0, result.output
    text = " ".join((tmp_path / "out" / "page.md").read_text().split())
    assert "Measured on the 1 image of in" in text
    assert "Kodak has 24: BD-rates are not to be trusted." in text
    assert "](curves.svg)" in text
    assert (tmp_path / "out" / "curves.svg").read_text().startswith("<?xml")
    assert sorted(path.name for path in (tmp_path / "out" / "results").iterdir()) == [
        "jpeg.json",
        "webp.json",
    ]
