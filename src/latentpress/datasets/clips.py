"""Video files of any kind as streams of frames: uncompressed ones out of memory maps, coded ones by PyAV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentpress._files import is_empty
from latentpress.datasets.clip import Clip, ClipInfo, Colour
from latentpress.datasets.codedvideo import CodedClip
from latentpress.datasets.frames import Frame
from latentpress.datasets.rawvideo import RawVideoSequence
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

_MAPPED_FRAMES = 16

# How files of video begin: Y4M, Matroska, FLV, AVI, MPEG's streams (H.264 and H.265 too) and MP4.
_BEGINNINGS = re.compile(
    rb"YUV4MPEG2 |\x1aE\xdf\xa3|FLV\x01|RIFF....AVI |\x00?\x00\x00\x01[^\x00]"
    rb"|....ftyp(?!avif|avis|heic|heix|mif1|msf1)",  # but not stills, which are files of the same kind
    re.DOTALL,
)


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
