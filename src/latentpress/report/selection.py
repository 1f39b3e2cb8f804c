"""Which curves a figure or page shows: results, then published ones, each with its style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from latentpress.report.curves import Curve
from latentpress.report.published import codecs, find_published, load_published
from latentpress.report.results import Result
from latentpress.report.styles import Style, style

SHOWN_AT_FIRST = ("VTM", "BPG", "AV1", "WebP", "JPEG", "mbt2018-mean MSE", "ELIC paper")
"""The published curves that are shown where nobody chose."""


@dataclass(frozen=True)
class DrawnCurve:
    """A curve and how it is drawn.

    Attributes:
        curve: the points.
        kind: `result`, or of published curves `codec` or `model`.
        style: of its line and markers.
    """

    curve: Curve
    kind: str
    style: Style


def select(
    results: Sequence[Result],
    *,
    published: Sequence[str] | None = None,
    dataset: str = "kodak",
    metric: str = "psnr-rgb",
) -> list[DrawnCurve]:
    """The curves of results and the published ones of these names, without those that have no points.

    Args:
        results: what was measured.
        published: names as `find_published` takes them; None for those of `SHOWN_AT_FIRST` that there are.
        dataset: the images that the results were measured on.
        metric: one of `curves.METRICS`.

    Raises:
        ConfigurationError: a name, the set or the metric is unknown.
    """
    measured = [result.curve(metric, dataset) for result in results]
    taken = {curve.name.casefold() for curve in measured}
    drawn = [
        DrawnCurve(curve, "result", style(index, "result"))
        for index, curve in enumerate(measured)
        if curve.points
    ]
    for curve in find_published(_wanted(published, dataset, metric), dataset=dataset, metric=metric):
        kind, place = _place(curve.name)
        if curve.name.casefold() in taken:
            curve = replace(curve, name=f"{curve.name} (published)")
        drawn.append(DrawnCurve(curve, kind, style(place, kind)))
    return drawn


def _wanted(published: Sequence[str] | None, dataset: str, metric: str) -> Sequence[str]:
    if published is not None:
        return published
    there = {curve.name for curve in load_published() if (curve.dataset, curve.metric) == (dataset, metric)}
    return [name for name in SHOWN_AT_FIRST if name in there]


def _place(name: str) -> tuple[str, int]:
    """The kind of a published codec and its place among its kind, so that it looks alike on every picture."""
    kind = next(codec.kind for codec in codecs() if codec.name == name)
    return kind, [codec.name for codec in codecs() if codec.kind == kind].index(name)
