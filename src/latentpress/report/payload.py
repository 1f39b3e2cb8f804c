"""What a page shows, as the plain data that its scripts read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from latentpress.report.comparisons import Embedded
from latentpress.report.curves import METRICS, Curve
from latentpress.report.published import reference_of
from latentpress.report.results import Result
from latentpress.report.selection import SHOWN_AT_FIRST, DrawnCurve, select
from latentpress.report.styles import style


def payload(results: Sequence[Result], embedded: Embedded, dataset: str) -> dict[str, Any]:
    """Curves in all metrics, times, images and comparisons.

    Raises:
        ConfigurationError: the set is unknown.
    """
    return {
        "metrics": METRICS,
        "curves": _curves(results, dataset),
        "times": [record for place, result in enumerate(results) if (record := _times(place, result))],
        "images": [row for place, result in enumerate(results) for row in _images(place, result)],
        "comparisons": embedded.records,
    }


def _curves(results: Sequence[Result], dataset: str) -> list[dict[str, Any]]:
    records = {}
    for place, result in enumerate(results):
        drawn = DrawnCurve(Curve(result.name, "psnr-rgb", ()), "result", style(place, "result"))
        record = _curve(_id(place), drawn, result.description, shown=True)
        record["points"] = {metric: _measured_points(result, metric) for metric in METRICS}
        records[_id(place)] = record
    for metric in METRICS:
        for drawn in select(results, published=["all"], dataset=dataset, metric=metric):
            if drawn.kind == "result":
                continue
            curve = drawn.curve
            name = curve.name.removesuffix(" (published)")
            record = records.setdefault(
                f"p:{name}", _curve(f"p:{name}", drawn, reference_of(name), shown=name in SHOWN_AT_FIRST)
            )
            pairs = zip(curve.decibels, curve.points, strict=False)
            record["points"][metric] = [[bpp, quality, "", value] for (bpp, quality), (_, value) in pairs]
    return list(records.values())


def _curve(key: str, drawn: DrawnCurve, reference: str, *, shown: bool) -> dict[str, Any]:
    return {
        "id": key,
        "name": drawn.curve.name,
        "kind": drawn.kind,
        "colour": drawn.style.colour,
        "marker": drawn.style.marker,
        "dash": drawn.style.dash,
        "reference": reference,
        "shown": shown,
        "points": {metric: [] for metric in METRICS},
    }


def _measured_points(result: Result, metric: str) -> list[list[Any]]:
    """Rate, quality in dB, label and quality as it was measured, by rising rate."""
    points = []
    for label, values in zip(result.points, result.values, strict=True):
        bpp, value = values["bpp"], values[metric]
        if bpp is None or value is None:
            continue
        for rate, quality in Curve(result.name, metric, [(bpp, value)]).decibels:
            points.append([rate, quality, label, value])
    return sorted(points, key=lambda point: point[:2])


def _times(place: int, result: Result) -> dict[str, Any] | None:
    """Rate, seconds to encode and to decode, and label of each point; None without any time."""
    points = [
        [values["bpp"], values["encoding_time"], values["decoding_time"], label]
        for label, values in zip(result.points, result.values, strict=True)
        if values["bpp"] is not None and (values["encoding_time"] or values["decoding_time"])
    ]
    return {"id": _id(place), "points": sorted(points, key=lambda point: point[0])} if points else None


def _images(place: int, result: Result) -> list[list[Any]]:
    names = ("bpp", "psnr-rgb", "ms-ssim-rgb", "encoding_time", "decoding_time")
    return [
        [_id(place), image.point, image.source, *(image.values[name] for name in names)]
        for image in result.images
    ]


def _id(place: int) -> str:
    return f"r{place}"
