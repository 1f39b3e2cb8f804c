"""JPEG, JPEG 2000, WebP, AVIF and HEIF through Pillow."""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from PIL import Image, features
from PIL import __version__ as pillow_version

from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.base import InMemoryCodec, Pixels

SUBSAMPLINGS = ("4:2:0", "4:2:2", "4:4:4")
_PERCENT = tuple(range(1, 101))


class PillowCodec(InMemoryCodec):
    """A format that Pillow, or a plugin of it, reads and writes."""

    format: ClassVar[str]

    @abstractmethod
    def options(self, quality: float) -> Mapping[str, Any]:
        """What `Image.save` is told."""

    def encode(self, pixels: Pixels, quality: float) -> bytes:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, self.format, **self.options(quality))
        return file.getvalue()

    def decode(self, data: bytes) -> Pixels:
        with Image.open(io.BytesIO(data), formats=[self.format]) as image:
            return np.asarray(image.convert("RGB"))

    def check(self) -> None:
        Image.init()
        if self.format not in Image.SAVE or self.format not in Image.OPEN:
            raise ConfigurationError(
                f"Expected a Pillow with {self.name}, found Pillow {pillow_version} without it: "
                "pip install -U Pillow."
            )


@dataclass(frozen=True)
class Jpeg(PillowCodec):
    """JPEG by libjpeg-turbo. A quality is libjpeg's, from 1 to 100.

    Attributes:
        subsampling: of chroma, one of `SUBSAMPLINGS`.
        optimize: compute Huffman tables for the image, instead of taking the standard's examples.

    Example:
        >>> pixels = np.zeros((64, 64, 3), np.uint8)
        >>> Jpeg(subsampling="4:4:4").round_trip(pixels, quality=75).pixels.shape
        (64, 64, 3)
    """

    subsampling: str = "4:2:0"
    optimize: bool = True

    name: ClassVar[str] = "JPEG"
    format: ClassVar[str] = "JPEG"
    scale: ClassVar[Sequence[float]] = _PERCENT
    qualities: ClassVar[Sequence[float]] = (5, 10, 20, 35, 50, 70, 80, 90)

    def __post_init__(self) -> None:
        check_subsampling(self.subsampling)

    @property
    def description(self) -> str:
        tables = "optimised" if self.optimize else "standard"
        return _described(
            f"libjpeg-turbo {features.version('libjpeg_turbo')}", self.subsampling, f"{tables} tables"
        )

    def options(self, quality: float) -> Mapping[str, Any]:
        return {"quality": int(quality), "subsampling": self.subsampling, "optimize": self.optimize}


@dataclass(frozen=True)
class Jpeg2000(PillowCodec):
    """JPEG 2000 by OpenJPEG, with the 9/7 wavelet. A quality is a compression ratio: 24 is 1 bit a pixel."""

    name: ClassVar[str] = "JPEG 2000"
    format: ClassVar[str] = "JPEG2000"
    scale: ClassVar[Sequence[float]] = tuple(round(500 * 0.98**step, 2) for step in range(300))
    qualities: ClassVar[Sequence[float]] = (240, 160, 96, 60, 40, 24, 16, 10)
    whole: ClassVar[bool] = False

    @property
    def description(self) -> str:
        return _described(f"OpenJPEG {features.version('jpg_2000')}", "9/7 wavelet")

    def options(self, quality: float) -> Mapping[str, Any]:
        return {"quality_mode": "rates", "quality_layers": [quality], "irreversible": True, "mct": 1}


@dataclass(frozen=True)
class Webp(PillowCodec):
    """Lossy WebP by libwebp, always 4:2:0. A quality is libwebp's, from 0 to 100.

    Attributes:
        method: effort, from 0 (fast) to 6 (small).
    """

    method: int = 6

    name: ClassVar[str] = "WebP"
    format: ClassVar[str] = "WEBP"
    scale: ClassVar[Sequence[float]] = (0, *_PERCENT)
    qualities: ClassVar[Sequence[float]] = (0, 5, 16, 35, 60, 80, 90, 95)

    def __post_init__(self) -> None:
        check_effort("method", self.method, 0, 6)

    @property
    def description(self) -> str:
        return _described(f"libwebp {features.version('webp')}", f"method {self.method}")

    def options(self, quality: float) -> Mapping[str, Any]:
        return {"quality": int(quality), "method": self.method}


@dataclass(frozen=True)
class Avif(PillowCodec):
    """AVIF by libavif. A quality is libavif's, from 0 to 100.

    Attributes:
        subsampling: of chroma, one of `SUBSAMPLINGS`.
        speed: from 0 (small) to 10 (fast).
    """

    subsampling: str = "4:2:0"
    speed: int = 6

    name: ClassVar[str] = "AVIF"
    format: ClassVar[str] = "AVIF"
    scale: ClassVar[Sequence[float]] = (0, *_PERCENT)
    qualities: ClassVar[Sequence[float]] = (10, 20, 32, 45, 57, 68, 78, 88)

    def __post_init__(self) -> None:
        check_subsampling(self.subsampling)
        check_effort("speed", self.speed, 0, 10)

    @property
    def description(self) -> str:
        return _described(f"libavif {features.version('avif')}", self.subsampling, f"speed {self.speed}")

    def options(self, quality: float) -> Mapping[str, Any]:
        return {
            "quality": int(quality), "subsampling": self.subsampling, "speed": self.speed, "max_threads": 1,
        }  # fmt: skip


@dataclass(frozen=True)
class Heif(PillowCodec):
    """HEIF with HEVC, by libheif and x265 of the package pillow-heif. A quality is libheif's, from 0 to 100.

    Attributes:
        subsampling: of chroma, one of `SUBSAMPLINGS`.
    """

    subsampling: str = "4:2:0"

    name: ClassVar[str] = "HEIF"
    format: ClassVar[str] = "HEIF"
    scale: ClassVar[Sequence[float]] = (0, *_PERCENT)
    qualities: ClassVar[Sequence[float]] = (10, 18, 26, 34, 42, 50, 58, 66)

    def __post_init__(self) -> None:
        check_subsampling(self.subsampling)

    @property
    def description(self) -> str:
        import pillow_heif

        return (
            f"libheif {pillow_heif.libheif_version()} with x265, pillow-heif {pillow_heif.__version__}, "
            + (self.subsampling)
        )

    def check(self) -> None:
        try:
            import pillow_heif
        except ImportError as error:
            raise ConfigurationError(
                "Expected the package pillow-heif for HEIF, found none: pip install 'latentpress[classical]'."
            ) from error
        pillow_heif.register_heif_opener(decode_threads=1)

    def round_trip(self, pixels: Pixels, quality: float) -> Any:
        self.check()  # a process knows of plugins only what it was told itself
        return super().round_trip(pixels, quality)

    def options(self, quality: float) -> Mapping[str, Any]:
        one_thread = {"x265:pools": "none", "x265:frame-threads": "1"}
        return {
            "quality": int(quality),
            "chroma": int(self.subsampling.replace(":", "")),
            "enc_params": one_thread,
        }


def check_subsampling(subsampling: str) -> None:
    """Refuse a chroma subsampling that is not one of `SUBSAMPLINGS`."""
    if subsampling not in SUBSAMPLINGS:
        raise ConfigurationError(
            f"Expected a subsampling of {', '.join(SUBSAMPLINGS)}, found {subsampling!r}."
        )


def check_effort(name: str, value: int, low: int, high: int) -> None:
    """Refuse an effort out of its range."""
    if not low <= value <= high:
        raise ConfigurationError(f"Expected a {name} from {low} to {high}, found {value}.")


def _described(library: str, *settings: str) -> str:
    return ", ".join([f"{library} through Pillow {pillow_version}", *settings])
