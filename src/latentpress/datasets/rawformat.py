"""What the samples of an uncompressed video file mean, read off its name or its header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from latentpress.errors import ConfigurationError, DataError

DEFAULT_RATE = Fraction(25)  # of clips whose rate is not known, where one is needed
_NTSC_RATES = tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120))


class VideoFormat(Enum):
    """How chroma is sampled; planes lie one after the other."""

    YUV400 = "yuv400"
    YUV420 = "yuv420"
    YUV422 = "yuv422"
    YUV444 = "yuv444"

    @classmethod
    def named(cls, name: VideoFormat | str) -> VideoFormat:
        """The format of this name.

        Raises:
            ConfigurationError: there is none.
        """
        try:
            return cls(name)
        except ValueError:
            known = ", ".join(member.value for member in cls)
            raise ConfigurationError(f"Expected a video format of {known}, found {name!r}.") from None

    @property
    def subsampling(self) -> tuple[int, int]:
        """How many samples of luma there are for one of chroma, across and down."""
        return {"yuv420": (2, 2), "yuv422": (2, 1)}.get(self.value, (1, 1))


@dataclass(frozen=True)
class RawFormat:
    """Size and meaning of the frames of a file.

    Args:
        width, height: in pixels.
        bitdepth: of a sample.
        format: how chroma is sampled.
        framerate: frames a second; None where it is not known.
        full_range: whether samples use all values, rather than leaving room below black and above white.
        aspect: width of a pixel over its height.

    Raises:
        DataError: the size is not positive.
        ConfigurationError: the depth is not from 8 to 16 bits.
    """

    width: int
    height: int
    bitdepth: int = 8
    format: VideoFormat = VideoFormat.YUV420
    framerate: Fraction | None = None
    full_range: bool = False
    aspect: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise DataError(f"Expected video of at least one pixel, found {self.width}x{self.height}.")
        if not 8 <= self.bitdepth <= 16:
            raise ConfigurationError(f"Expected a depth of 8 to 16 bits a sample, found {self.bitdepth}.")

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {self.format.value} of {self.bitdepth} bits"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a sample in the file."""
        return np.dtype(np.uint8 if self.bitdepth == 8 else "<u2")

    @property
    def plane_shapes(self) -> list[tuple[int, int]]:
        """Height and width of each plane; an odd side has one more sample of chroma than half of it."""
        luma = (self.height, self.width)
        if self.format is VideoFormat.YUV400:
            return [luma]
        across, down = self.format.subsampling
        chroma = (-(-self.height // down), -(-self.width // across))
        return [luma, chroma, chroma]

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        return sum(height * width for height, width in self.plane_shapes) * self.dtype.itemsize


def parse_pixel_format(name: str) -> tuple[VideoFormat, int]:
    """Sampling of chroma and bits a sample of what FFmpeg calls `yuv420p`, `yuv444p10le` or `gray10le`.

    Raises:
        ConfigurationError: there is no such format.

    Example:
        >>> parse_pixel_format("yuv420p10")
        (<VideoFormat.YUV420: 'yuv420'>, 10)
    """
    found = re.fullmatch(r"(?:yuv(420|422|444)p|gray)(?:(9|1[0-6])(?:le)?)?", name)
    if found is None:
        raise ConfigurationError(
            f"Expected a pixel format such as yuv420p, yuv444p10 or gray, found {name!r}."
        )
    return VideoFormat(f"yuv{found[1] or '400'}"), int(found[2] or 8)


def format_from_name(path: Path, given: Mapping[str, Any]) -> RawFormat:
    """What the name of a file says, such as `clip_1920x1080_50fps_10bit_P420.yuv`, and what is given, which
    goes first.

    Understood are `WIDTHxHEIGHT`, `50fps` and `50Hz` or a number right after the size, `10bit`, `P420`,
    `I420`, `yuv420p10le` and `I420_10LE`, in any order, between `_`, `-` and `.`.

    Raises:
        DataError: the size is neither given nor in the name.
    """
    known = {**_in_name(path.stem), **given}
    if "width" not in known or "height" not in known:
        raise DataError(
            f"Expected the size of the video in the name of {path.name}, as in clip_1920x1080.yuv, "
            "found none: rename it or give width and height."
        )
    return RawFormat(**known)


def _in_name(stem: str) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if size := re.search(r"(?<![0-9])(\d{1,5})x(\d{1,5})(?![0-9])", stem):
        known |= {"width": int(size[1]), "height": int(size[2])}
    if rate := re.search(r"(\d+(?:\.\d+)?)(?:fps|hz)", stem, re.I) or re.search(
        r"\d+x\d+_(\d+(?:\.\d+)?)(?=[_.-]|$)", stem
    ):
        known["framerate"] = _rate(rate[1])
    if layout := re.search(r"(?:yuv|[_-][PI]|[_-])(400|420|422|444)(?![0-9x])", stem, re.I):
        known["format"] = VideoFormat(f"yuv{layout[1]}")
    if depth := re.search(r"(\d+)-?bits?(?![a-z])", stem, re.I) or re.search(
        r"4\d\d[p_](\d{1,2})le(?![a-z])", stem, re.I
    ):
        known["bitdepth"] = int(depth[1])
    return known


def _rate(text: str) -> Fraction:
    """Frames a second; 29.97 and its kind are what they stand for, 30000/1001."""
    exact = Fraction(text)
    if exact.denominator == 1:
        return exact
    return next((rate for rate in _NTSC_RATES if abs(rate - exact) < Fraction(1, 100)), exact)


def format_from_y4m(start: bytes, path: Path, given: Mapping[str, Any]) -> tuple[RawFormat, int]:
    """What the header of a `.y4m` file says, and the length of the header; what is given goes first.

    Raises:
        DataError: the header is damaged, or speaks of something else than 4:0:0 to 4:4:4.
    """
    line, end, _ = start.partition(b"\n")
    fields = {
        field[:1]: field[1:] for field in line.decode("ascii", "replace").split()[1:] if field[0] != "X"
    }
    chroma = re.fullmatch(r"(mono|420|422|444)(?:jpeg|mpeg2|paldv)?(?:p?(9|1[0-6]))?", fields.get("C", "420"))
    rate = re.fullmatch(r"(\d+):([1-9]\d*)|0:0", fields.get("F", "0:0"))
    aspect = re.fullmatch(r"(\d+):([1-9]\d*)", fields.get("A", ""))
    size = [fields.get(side, "") for side in "WH"]
    if not end or chroma is None or rate is None or not all(side.isdecimal() for side in size):
        raise DataError(
            f"Expected a Y4M header with width, height and chroma of 4:0:0 to 4:4:4 in {path}, "
            f"found {line[:80].decode('ascii', 'replace')!r}."
        )
    known = {
        "width": int(size[0]),
        "height": int(size[1]),
        "bitdepth": int(chroma[2] or 8),
        "format": VideoFormat("yuv400" if chroma[1] == "mono" else f"yuv{chroma[1]}"),
        "framerate": _fraction(rate),
        "full_range": b"XCOLORRANGE=FULL" in line.split(),
        "aspect": _fraction(aspect) or Fraction(1),
    }
    return RawFormat(**{**known, **given}), len(line) + 1


def _fraction(matched: re.Match[str] | None) -> Fraction | None:
    """A positive fraction `a:b`; None where there is none."""
    if matched is None or matched[1] is None:
        return None
    return Fraction(int(matched[1]), int(matched[2])) or None
