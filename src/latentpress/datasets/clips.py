"""Video files of any kind as streams of frames: uncompressed ones out of memory maps, coded ones by PyAV."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from torch import Tensor

from latentpress._files import is_empty
from latentpress.datasets.frames import Frame, rgb_of
from latentpress.datasets.rawformat import RawFormat
from latentpress.datasets.rawvideo import RawVideoSequence
from latentpress.datasets.timing import Timing
from latentpress.errors import ConfigurationError, DataError

RAW_SUFFIXES = frozenset({".y4m", ".yuv"})
CODED_SUFFIXES = frozenset(
    {".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts"}
    | {".3g2", ".3gp", ".asf", ".divx", ".dv", ".f4v", ".m2t", ".mk3d", ".mpe", ".nut", ".ogm", ".qt", ".rm"}
    | {".rmvb", ".vob", ".webm", ".wmv"}
    # Streams without a container
    | {".264", ".265", ".266", ".av1", ".avc", ".h261", ".h263", ".h264", ".h265", ".h266", ".hevc", ".ivf"}
    | {".m1v", ".m2v", ".mjpeg", ".mjpg", ".mpv", ".obu", ".vc1", ".vvc"}
)
VIDEO_SUFFIXES = RAW_SUFFIXES | CODED_SUFFIXES

UNSPECIFIED = 2  # code of primaries and of a transfer function that nobody named
_MAPPED_FRAMES = 16

# How files of video begin: Y4M, Matroska, FLV, AVI, MPEG's streams (H.264 and H.265 too) and MP4.
_BEGINNINGS = re.compile(
    rb"YUV4MPEG2 |\x1aE\xdf\xa3|FLV\x01|RIFF....AVI |\x00?\x00\x00\x01[^\x00]"
    rb"|....ftyp(?!avif|avis|heic|heix|mif1|msf1)",  # but not stills, which are files of the same kind
    re.DOTALL,
)


@dataclass(frozen=True)
class Colour:
    """What the colours of a clip mean.

    Attributes:
        matrix: of YCbCr: "bt601", "bt709" or "bt2020".
        primaries, transfer: codes of ITU-T H.273, which are only handed on; 2 is unspecified.
    """

    matrix: str
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before its frames are read.

    Attributes:
        layout: size of frames, meaning of samples, frame rate.
        colour: meaning of colours.
        frames: how many there are, where the file says so.
        audio: whether the file has sound, too.
        timing: when frames are shown, of a coded file; evenly spaced at the frame rate if None.
    """

    layout: RawFormat
    colour: Colour
    frames: int | None = None
    audio: bool = False
    timing: Timing | None = None

    @property
    def beginning(self) -> Fraction:
        """When the first of pictures and sound begins, in seconds on the clock of the file."""
        timing = self.timing
        if timing is None or timing.tick is None:
            return Fraction(0)
        pictures = timing.start * timing.tick
        return pictures if timing.sound is None else min(pictures, timing.sound)


class Clip(ABC):
    """A video file. Iterating gives its frames, each time from the first one; one at a time is in memory.

    Attributes:
        path: the file.
        info: what is known of it.
        damage: what of the file could not be read, in one sentence, once its frames were gone through; None
            if nothing is known to be wrong.
    """

    path: Path
    info: ClipInfo
    damage: str | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]: ...

    def rgb(self, frame: Frame) -> Tensor:
        """One of its frames as RGB `(3, H, W)` float32 in [0, 1]."""
        return rgb_of(frame, self.info.layout, self.info.colour.matrix)


def looks_like_video(path: Path) -> bool:
    """Whether a file begins like one of video, whatever its name is."""
    try:
        if not path.is_file():  # a pipe would wait, and what was read from it would be gone
            return False
        with path.open("rb") as file:
            return _BEGINNINGS.match(file.read(16)) is not None
    except OSError:
        return False


def open_clip(path: str | Path, *, whole: bool = True, **raw: Any) -> Clip:
    """Open a video file.

    Args:
        path: `.y4m`, `.yuv`, or a file of any other kind that FFmpeg reads, for which PyAV is needed.
        whole: whether a file that is cut or damaged is an error, rather than as long as its good frames.
        raw: what `RawVideoSequence.from_file` is to be told of an uncompressed file.

    Raises:
        DataError: the file is missing or damaged, or has no video.
        ConfigurationError: `raw` is given for a coded file or has invalid values, or PyAV is missing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "grey_16x8_25fps.yuv")
        >>> _ = path.write_bytes(bytes([128] * 16 * 12 * 3))
        >>> clip = open_clip(path)
        >>> clip.info.frames, [tuple(clip.rgb(frame).shape) for frame in clip]
        (3, [(3, 8, 16), (3, 8, 16), (3, 8, 16)])
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise DataError(f"Expected a video file at {path}, found something else, such as a pipe.")
    if is_empty(path):
        raise DataError(f"Expected a video in {path}, found an empty file.")
    if path.suffix.lower() in RAW_SUFFIXES:
        return RawClip(RawVideoSequence.from_file(path, whole=whole, **raw))
    if raw:
        raise ConfigurationError(
            f"Expected a .yuv or .y4m file to be told its {', '.join(raw)}, found {path}."
        )
    from latentpress.datasets.codedvideo import CodedClip

    return CodedClip(path, whole=whole)


class RawClip(Clip):
    """An uncompressed file."""

    def __init__(self, sequence: RawVideoSequence) -> None:
        self.path, self.sequence, self.damage = sequence.path, sequence, sequence.damage
        self.info = ClipInfo(sequence.layout, Colour(sequence.matrix), len(sequence))

    def __iter__(self) -> Iterator[Frame]:
        for index in range(len(self.sequence)):
            yield self.sequence[index]
            if index % _MAPPED_FRAMES == _MAPPED_FRAMES - 1:
                self.sequence.close()  # a map keeps the pages that were looked at
