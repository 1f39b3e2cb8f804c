"""Published curves, so that a codec or model is on a plot without being run.

`published_curves.csv` has the numbers as two projects publish them, `published_codecs.csv` what the codecs
are called and which publication they go back to.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from latentpress.errors import ConfigurationError
from latentpress.report.curves import METRICS, Curve

SOURCES = {
    "CompressAI results": "https://github.com/InterDigitalInc/CompressAI/tree/master/results",
    "lossy-vae results": "https://github.com/duanzhiihao/lossy-vae/tree/main/results",
}
"""Where the numbers were published."""

DATASETS = {
    "kodak": "Kodak",
    "clic2020-mobile": "CLIC 2020 mobile",
    "clic2020-professional": "CLIC 2020 professional",
    "clic2022-test": "CLIC 2022 test",
    "tecnick-rgb-1200": "Tecnick RGB 1200",
}
"""The sets of images that there are curves on, and their names in print."""

_COLUMNS = {"psnr-rgb": "psnr_rgb_db", "ms-ssim-rgb": "ms_ssim"}
GROUPS = ("all", "codecs", "models")


@dataclass(frozen=True)
class Codec:
    """Something that has published curves.

    Attributes:
        key: its name in the table of curves.
        name: what it is called in print.
        kind: `codec`, or `model` for a learned one.
        reference: what it is, or the paper it comes from.
    """

    key: str
    name: str
    kind: str
    reference: str


def load_published() -> tuple[Curve, ...]:
    """All published curves, one for each codec, set of images and metric that there are numbers for.

    Example:
        >>> curves = load_published()
        >>> vtm = next(c for c in curves if c.name == "VTM" and c.dataset == "kodak")
        >>> vtm.metric, vtm.points[1], vtm.source
        ('psnr-rgb', (0.112495, 28.49302), 'CompressAI results')
    """
    return tuple(curve for _, curve in _table())


def find_published(
    names: Iterable[str], *, dataset: str = "kodak", metric: str = "psnr-rgb"
) -> tuple[Curve, ...]:
    """The published curves of these names, in their order.

    Args:
        names: of codecs and models, whatever their case, spaces and punctuation; `codecs`, `models` and `all`
            stand for what they say.
        dataset: one of `DATASETS`.
        metric: one of `METRICS`.

    Raises:
        ConfigurationError: there is no such codec, set or metric; the message lists what there is.

    Example:
        >>> [curve.name for curve in find_published(["vtm", "JPEG-2000"])]
        ['VTM', 'JPEG 2000']
    """
    if dataset not in DATASETS:
        raise ConfigurationError(f"Expected a set of {', '.join(DATASETS)}, found {dataset!r}.")
    if metric not in METRICS:
        raise ConfigurationError(f"Expected a metric of {', '.join(METRICS)}, found {metric!r}.")
    there = [
        (codec, curve) for codec, curve in _table() if curve.dataset == dataset and curve.metric == metric
    ]
    found = [curve for name in names for curve in _named(name, there, dataset, metric)]
    return tuple(dict.fromkeys(found))


def reference_of(name: str) -> str:
    """What a published codec is, or the paper it comes from; empty for names that are not published."""
    return next((codec.reference for codec in codecs() if codec.name == name), "")


@cache
def codecs() -> tuple[Codec, ...]:
    """Everything that has published curves."""
    return tuple(Codec(row["codec"], row["name"], row["kind"], row["reference"]) for row in _rows("codecs"))


def _named(name: str, there: list[tuple[Codec, Curve]], dataset: str, metric: str) -> list[Curve]:
    wanted = _plain(name)
    if wanted in GROUPS:
        return [curve for codec, curve in there if wanted == "all" or wanted == f"{codec.kind}s"]
    found = [curve for codec, curve in there if wanted in (_plain(codec.name), _plain(codec.key))]
    if not found:
        known = ", ".join([*GROUPS, *(curve.name for _, curve in there)])
        raise ConfigurationError(
            f"Expected something with a published {METRICS[metric]} curve on {DATASETS[dataset]}, "
            f"one of {known}, found {name!r}."
        )
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _table() -> tuple[tuple[Codec, Curve], ...]:
    """Each curve and what it is of, codecs first. What `published_codecs.csv` does not name has no numbers,
    or those of another entry once more."""
    points: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in _rows("curves"):
        points.setdefault((row["codec"], row["dataset"], row["source"]), []).append(row)
    table = []
    for codec in codecs():
        for (key, dataset, source), rows in points.items():
            if key != codec.key:
                continue
            for metric, column in _COLUMNS.items():
                pairs = [(float(row["bpp"]), float(row[column])) for row in rows if row[column]]
                if pairs:
                    table.append((codec, Curve(codec.name, metric, pairs, dataset, source)))
    return tuple(table)


def _rows(table: str) -> list[dict[str, str]]:
    text = (files("latentpress.report") / f"published_{table}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
