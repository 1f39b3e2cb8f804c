"""What a rate-distortion curve is: a name, a metric, and points by rising rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from latentpress.errors import ConfigurationError

METRICS = {"psnr-rgb": "PSNR", "ms-ssim-rgb": "MS-SSIM"}
"""The metrics that curves have, by the names of the field's common form, and what people call them."""


@dataclass(frozen=True)
class Curve:
    """A codec or model on a set of images, in one metric.

    Attributes:
        name: of the codec or model.
        metric: `psnr-rgb`, in dB, or `ms-ssim-rgb`, in [0, 1].
        points: pairs of bits per pixel and metric, in any order; kept by rising rate, without those that are
            not finite numbers.
        dataset: the images; empty if not known.
        source: where the numbers come from; empty if not known.

    Raises:
        ConfigurationError: the metric is another one.

    Example:
        >>> curve = Curve("mine", "ms-ssim-rgb", [(0.5, 0.99), (0.1, 0.9)])
        >>> curve.points
        ((0.1, 0.9), (0.5, 0.99))
        >>> [(bpp, round(quality, 6)) for bpp, quality in curve.decibels]
        [(0.1, 10.0), (0.5, 20.0)]
    """

    name: str
    metric: str
    points: Sequence[tuple[float, float]]
    dataset: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ConfigurationError(f"Expected a metric of {', '.join(METRICS)}, found {self.metric!r}.")
        finite = (pair for pair in self.points if all(math.isfinite(number) for number in pair))
        object.__setattr__(self, "points", tuple(sorted((float(bpp), float(value)) for bpp, value in finite)))

    @property
    def decibels(self) -> tuple[tuple[float, float], ...]:
        """The points with their quality in dB: PSNR as it is, MS-SSIM as `-10 log10(1 - MS-SSIM)`. Points
        without loss are not on that scale, and left out."""
        if self.metric == "psnr-rgb":
            return tuple(self.points)
        return tuple((bpp, to_decibels(value)) for bpp, value in self.points if value < 1)


def to_decibels(ms_ssim: float) -> float:
    """An MS-SSIM below 1 on the scale that spreads its upper end."""
    return -10 * math.log10(1 - ms_ssim)
