"""JPEG XL by libjxl, from the package imagecodecs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.base import InMemoryCodec, Pixels
from latentpress.evaluation.codecs.pillow import check_effort


@dataclass(frozen=True)
class JpegXl(InMemoryCodec):
    """Lossy JPEG XL. A quality is that of cjxl, from 0 to 99, which stands for a distance.

    Attributes:
        effort: from 1 (fast) to 9 (small).
    """

    effort: int = 7

    name: ClassVar[str] = "JPEG XL"
    scale: ClassVar[Sequence[float]] = tuple(range(100))
    qualities: ClassVar[Sequence[float]] = (0, 15, 30, 45, 60, 75, 85, 92)
    whole: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_effort("effort", self.effort, 1, 9)

    @property
    def description(self) -> str:
        package = _imagecodecs()
        version = package.jpegxl_version().split()[-1]
        return f"libjxl {version} through imagecodecs {package.__version__}, effort {self.effort}"

    def check(self) -> None:
        _imagecodecs()

    def encode(self, pixels: Pixels, quality: float) -> bytes:
        distance = distance_of(quality)
        data: bytes = _imagecodecs().jpegxl_encode(
            pixels, effort=self.effort, distance=distance, numthreads=1
        )
        return data

    def decode(self, data: bytes) -> Pixels:
        return np.asarray(_imagecodecs().jpegxl_decode(data, numthreads=1))


def distance_of(quality: float) -> float:
    """The Butteraugli distance that cjxl takes for a quality (`JxlEncoderDistanceFromQuality` of libjxl).

    Example:
        >>> [distance_of(quality) for quality in (0, 30, 90)]
        [25.0, 6.4, 1.0]
    """
    if quality >= 30:
        return round(0.1 + (100 - quality) * 0.09, 6)
    return round(53 / 3000 * quality**2 - 23 / 20 * quality + 25, 6)


def _imagecodecs() -> Any:
    try:
        import imagecodecs

        imagecodecs.jpegxl_version()
    except ImportError as error:
        raise ConfigurationError(
            "Expected the package imagecodecs with JPEG XL, found none: pip install 'latentpress[classical]'."
        ) from error
    return imagecodecs
