"""Bjøntegaard deltas: how far apart two rate-distortion curves are, on average, as one number.

The numbers are those of the `bjontegaard` package. What is added is judgement: where a delta is not defined
there is a sentence instead of a number.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from latentpress.errors import ConfigurationError
from latentpress.report.curves import Curve

METHODS = ("cubic", "pchip", "akima")
"""How curves go between their points: one cubic fitted to all (Bjøntegaard, VCEG-M33), piecewise cubics that
do not overshoot (JVET's common test conditions), Akima's."""

FEWEST_POINTS = {"cubic": 4, "pchip": 2, "akima": 2}
"""With fewer points than these, a method has no one answer."""

LEAST_OVERLAP = 0.5
"""Where two curves share less than this part of the shorter one's range, the number comes with a warning."""

_Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Delta:
    """The distance of a curve from an anchor.

    Attributes:
        value: the number; None where it is not defined.
        warning: why there is no number, or why to take care with it; None if there is nothing to say.
    """

    value: float | None
    warning: str | None = None


def bd_rate(anchor: Curve, test: Curve, method: str = "pchip") -> Delta:
    """How much more rate `test` takes than `anchor` for the same quality, in percent; negative is better.

    MS-SSIM is compared in dB (see `Curve.decibels`).

    Args:
        anchor: what to compare with.
        test: what is compared; of the same metric.
        method: one of `METHODS`.

    Raises:
        ConfigurationError: the method is another one, the metrics differ, or `bjontegaard` is not installed.

    Example:
        >>> anchor = Curve("anchor", "psnr-rgb", [(0.2, 28.0), (0.4, 31.0), (0.8, 34.0), (1.6, 37.0)])
        >>> test = Curve("test", "psnr-rgb", [(0.9 * bpp, psnr) for bpp, psnr in anchor.points])
        >>> round(bd_rate(anchor, test).value, 9)
        -10.0
        >>> bd_rate(anchor, Curve("far", "psnr-rgb", [(2.0, 40.0), (3.0, 43.0)]))
        Delta(value=None, warning='far and anchor share no range of quality.')
    """
    return _delta("rate", anchor, test, method)


def bd_psnr(anchor: Curve, test: Curve, method: str = "pchip") -> Delta:
    """How much better `test` is than `anchor` at the same rate, in dB; positive is better.

    Of MS-SSIM curves it is the same thing in dB of MS-SSIM. Arguments and exceptions are those of `bd_rate`.
    """
    return _delta("psnr", anchor, test, method)


def _delta(kind: str, anchor: Curve, test: Curve, method: str) -> Delta:
    if method not in METHODS:
        raise ConfigurationError(f"Expected a method of {', '.join(METHODS)}, found {method!r}.")
    if anchor.metric != test.metric:
        raise ConfigurationError(
            f"Expected two curves of one metric, found {anchor.metric} and {test.metric}."
        )
    function = _imported(f"bd_{kind}")
    for curve in (test, anchor):
        reason = _unusable(curve, method)
        if reason is not None:
            return Delta(None, reason)
    axis = 1 if kind == "rate" else 0
    shared = _overlap(anchor.decibels, test.decibels, axis)
    what = "quality" if kind == "rate" else "rate"
    if shared <= 0:
        return Delta(None, f"{test.name} and {anchor.name} share no range of {what}.")
    value = _computed(function, anchor.decibels, test.decibels, method)
    if not math.isfinite(value):
        return Delta(
            None, f"The {method} curves of {test.name} and {anchor.name} are too far apart for a number."
        )
    if shared < LEAST_OVERLAP:
        return Delta(
            value, f"{test.name} and {anchor.name} share only {shared:.0%} of the shorter one's {what}."
        )
    return Delta(value)


def _unusable(curve: Curve, method: str) -> str | None:
    """Why a curve has no delta by this method."""
    points = curve.decibels
    if len(points) < FEWEST_POINTS[method]:
        count = "1 point" if len(points) == 1 else f"{len(points)} points"
        return f"{curve.name} has {count}, and {method} needs {FEWEST_POINTS[method]}."
    if points[0][0] <= 0:
        return f"{curve.name} has a point without any rate."
    rising = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(points))
    return None if rising else f"The quality of {curve.name} does not rise with its rate everywhere."


def _overlap(anchor: _Points, test: _Points, axis: int) -> float:
    """What part of the shorter one's range on an axis two curves share; rates are compared by logarithms."""
    scale = math.log10 if axis == 0 else float
    low, high = ([scale(points[end][axis]) for points in (anchor, test)] for end in (0, -1))
    return (min(high) - max(low)) / min(end - start for start, end in zip(low, high, strict=True))


def _computed(function: Callable[..., Any], anchor: _Points, test: _Points, method: str) -> float:
    columns = [list(column) for points in (anchor, test) for column in zip(*points, strict=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(function(*columns, method=method, require_matching_points=False, min_overlap=0))


def _imported(name: str) -> Callable[..., Any]:
    try:
        import bjontegaard
    except ImportError as error:
        raise ConfigurationError(
            "Expected the package bjontegaard for BD-rate and BD-PSNR: pip install 'latentpress[report]'."
        ) from error
    function: Callable[..., Any] = getattr(bjontegaard, name)
    return function
