"""What every codec does here: code an image at a quality, decode what it made, and say how long both took."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from latentpress.errors import ConfigurationError, ImageError, LatentPressError
from latentpress.evaluation.kept import keep_last
from latentpress.evaluation.measurement import Coded

Pixels = npt.NDArray[np.uint8]
"""An image as `(H, W, 3)`."""

_WARM_UP_SIDE = 64


@dataclass(frozen=True)
class RoundTrip:
    """What came of an image: the size of its file in bytes, what the file decodes to, and seconds."""

    size: int
    pixels: Pixels
    encoding_time: float
    decoding_time: float


class Codec(ABC):
    """A codec with its settings; subclasses are frozen dataclasses whose fields are the settings.

    What a quality is differs from codec to codec: a number from 0 to 100, a quantisation parameter, a
    compression ratio, a lambda. What they have in common is their order, which `scale` gives.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What results and figures call it."""

    @property
    @abstractmethod
    def description(self) -> str:
        """Which implementation and version this is, and its settings."""

    @property
    @abstractmethod
    def scale(self) -> Sequence[float]:
        """Every quality worth telling apart, from the smallest file to the largest."""

    @property
    @abstractmethod
    def qualities(self) -> Sequence[float]:
        """Qualities for a curve from about 0.1 to 2 bits per pixel, in the order of `scale`."""

    @property
    def whole(self) -> bool:
        """Whether a quality is a whole number."""
        return True

    @abstractmethod
    def check(self) -> None:
        """Make sure that the codec can be used here.

        Raises:
            ConfigurationError: its package or programs are not installed; the message says how to get them.
        """

    @abstractmethod
    def round_trip(self, pixels: Pixels, quality: float) -> RoundTrip:
        """Code an image and decode it, on one thread where the codec lets one say so.

        Raises:
            ImageError: the codec does not take this image.
        """

    def check_quality(self, quality: float) -> None:
        """Refuse a quality that the codec does not have.

        Raises:
            ConfigurationError: it is out of range, or not whole where it has to be.
        """
        low, high = min(self.scale), max(self.scale)
        if low <= quality <= high and (quality == int(quality) or not self.whole):
            return
        kind = "whole quality" if self.whole else "quality"
        raise ConfigurationError(
            f"Expected a {kind} from {low:g} to {high:g} for {self.name}, found {quality:g}."
        )


@dataclass(frozen=True)
class CodecSubject:
    """What makes one point of a curve: a codec at one quality. It travels between processes."""

    codec: Codec
    quality: float

    @property
    def label(self) -> str:
        """What tells this point from others of the same codec."""
        return f"quality {self.quality:g}"

    def code(self, image: Tensor, *, entropy_estimation: bool = False) -> Coded:
        """Code an image and decode it. Codecs estimate nothing."""
        if entropy_estimation:
            raise ConfigurationError(
                f"{self.codec.name} makes files and estimates nothing: measure it for real."
            )
        result = _warmed_up(self).round_trip(to_pixels(image), self.quality)
        if result.pixels.shape[:2] != tuple(image.shape[-2:]):
            raise ImageError(
                f"Expected {self.codec.name} to give back {image.shape[-1]}x{image.shape[-2]} pixels, "
                f"found {result.pixels.shape[1]}x{result.pixels.shape[0]}."
            )
        times = {"encoding_time": result.encoding_time, "decoding_time": result.decoding_time}
        return Coded(8 * result.size, to_tensor(result.pixels), times)


@keep_last
def _warmed_up(subject: CodecSubject) -> Codec:
    """The codec after it coded something, so that what happens once only is not in the first image's time."""
    grey = np.full((_WARM_UP_SIDE, _WARM_UP_SIDE, 3), 128, np.uint8)
    subject.codec.round_trip(grey, subject.quality)
    return subject.codec


def to_pixels(image: Tensor) -> Pixels:
    """`(1, 3, H, W)` in [0, 1] as eight-bit pixels.

    Example:
        >>> to_pixels(torch.ones(1, 3, 2, 5)).shape
        (2, 5, 3)
    """
    return image[0].mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()


def to_tensor(pixels: Pixels) -> Tensor:
    """Eight-bit pixels as `(1, 3, H, W)` float32 in [0, 1]."""
    return torch.tensor(pixels).permute(2, 0, 1)[None].float().div(255)


class InMemoryCodec(Codec):
    """A codec in a library: pixels to bytes and back, without a file on disk."""

    @abstractmethod
    def encode(self, pixels: Pixels, quality: float) -> bytes:
        """The bytes of the file."""

    @abstractmethod
    def decode(self, data: bytes) -> Pixels:
        """The pixels in the file."""

    def round_trip(self, pixels: Pixels, quality: float) -> RoundTrip:
        self.check_quality(quality)
        try:
            started = time.perf_counter()
            data = self.encode(pixels, quality)
            encoded = time.perf_counter()
            decoded = self.decode(data)
            ended = time.perf_counter()
        except LatentPressError:
            raise
        except (OSError, ValueError, RuntimeError) as error:
            height, width = pixels.shape[:2]
            reason = " ".join(str(error).split())
            raise ImageError(
                f"{self.name} cannot code an image of {width}x{height} pixels: {reason}"
            ) from error
        return RoundTrip(len(data), decoded, encoded - started, ended - encoded)
