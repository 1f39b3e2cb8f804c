"""Uncompressed video files, memory-mapped: `.y4m`, which says what it holds, and `.yuv`, which does not.

Frames are read from where they lie in the file when they are asked for, so that a file may be larger than
memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, overload

import numpy as np
from torch import Tensor

from latentpress.datasets.frames import Frame, frame_from_samples, planes_of, rgb_of, yuv444_of
from latentpress.datasets.rawformat import RawFormat, VideoFormat, format_from_name, format_from_y4m
from latentpress.errors import ConfigurationError, DataError
from latentpress.transforms.functional import LUMA_WEIGHTS, Planes

_FRAME = b"FRAME"
_LONGEST_HEADER = 4096
_HIGH_DEFINITION = 720


def usual_matrix(height: int) -> str:
    """The colour matrix of video of so many lines that does not name its own."""
    return "bt709" if height >= _HIGH_DEFINITION else "bt601"


class RawVideoSequence(Sequence[Frame]):
    """The frames of a `.yuv` or `.y4m` file. Make one with `from_file`.

    Attributes:
        path: the file.
        width, height: in pixels.
        bitdepth: of a sample.
        format: how chroma is sampled.
        framerate: frames a second; None where it is not known.
        matrix: colour matrix, "bt601", "bt709" or "bt2020".
        full_range: whether samples use all values, rather than leaving room below black and above white.
        damage: what of the file is no whole frame, in one sentence; None if all is.
    """

    def __init__(
        self,
        path: Path,
        layout: RawFormat,
        offsets: Sequence[int],
        matrix: str | None = None,
        damage: str | None = None,
    ) -> None:
        self.path, self.layout, self._offsets, self.damage = path, layout, offsets, damage
        self.width, self.height = layout.width, layout.height
        self.bitdepth, self.format, self.framerate = layout.bitdepth, layout.format, layout.framerate
        self.full_range = layout.full_range
        self.matrix = matrix or usual_matrix(layout.height)
        self._data: np.ndarray | None = None

    @classmethod
    def from_file(
        cls,
        filename: str | Path,
        width: int | None = None,
        height: int | None = None,
        bitdepth: int | None = None,
        format: VideoFormat | str | None = None,
        framerate: float | Fraction | None = None,
        *,
        matrix: str | None = None,
        full_range: bool | None = None,
        whole: bool = True,
    ) -> RawVideoSequence:
        """Open a file.

        What is not given is taken from the header of a `.y4m` file, or from the name of another one, such as
        `clip_1920x1080_50fps_10bit_P420.yuv`; where that does not say either, video is taken to be 4:2:0 of
        eight bits and limited range. BT.709 is the colour matrix from 720 lines on, and BT.601 below.

        A `.y4m` file that is cut or damaged is an error if it has to be `whole`; otherwise it ends where its
        whole frames do. Where the format was given, a length that does not fit says that it is another one.

        Raises:
            DataError: the file is missing or damaged, its size is not known, or does not fit its length.
            ConfigurationError: there is no such format, depth or matrix.

        Example:
            >>> import tempfile
            >>> from latentpress.datasets import RawVideoSequence
            >>> folder = tempfile.TemporaryDirectory()
            >>> _ = Path(folder.name, "grey_16x8_25fps_8bit_P420.yuv").write_bytes(bytes([128] * 16 * 12 * 3))
            >>> video = RawVideoSequence.from_file(f"{folder.name}/grey_16x8_25fps_8bit_P420.yuv")
            >>> len(video), video[0].y.shape, video[0].u.shape, tuple(video.rgb(0).shape)
            (3, (8, 16), (4, 8), (3, 8, 16))
        """
        if matrix is not None and matrix not in LUMA_WEIGHTS:
            raise ConfigurationError(f"Expected a matrix of {', '.join(LUMA_WEIGHTS)}, found {matrix!r}.")
        path = Path(filename)
        given: dict[str, Any] = {
            "width": width,
            "height": height,
            "bitdepth": bitdepth,
            "format": None if format is None else VideoFormat.named(format),
            "framerate": None if framerate is None else Fraction(framerate).limit_denominator(1001),
            "full_range": full_range,
        }
        given = {key: value for key, value in given.items() if value is not None}
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                start = file.read(_LONGEST_HEADER)
        except OSError as error:
            raise DataError(f"Expected a video file at {path}, found: {error.strerror or error}.") from error
        if start.startswith(b"YUV4MPEG2"):
            layout, header = format_from_y4m(start, path, given)
            offsets, end = _y4m_offsets(path, header, size, layout.frame_bytes)
            told = {"width", "height", "bitdepth", "format"} & given.keys()
            if end < size and (whole or told or not offsets):
                raise DataError(
                    f"Expected frame {len(offsets)} to be whole in {path}, "
                    "found the file damaged or cut short there."
                )
            if not offsets:
                raise DataError(f"Expected frames in {path}, found none.")
            damage = f"the file is damaged or cut after {len(offsets)} whole frames, which were taken."
            return cls(path, layout, offsets, matrix, damage if end < size else None)
        layout = format_from_name(path, given)
        if size % layout.frame_bytes or not size:
            raise DataError(
                f"Expected whole frames of {layout.frame_bytes} bytes ({layout}) in {path}, "
                f"found {size} bytes: give the right width, height, bitdepth and format."
            )
        return cls(path, layout, range(0, size, layout.frame_bytes), matrix)

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> list[Frame]: ...

    def __getitem__(self, index: int | slice) -> Frame | list[Frame]:
        """A frame, or several; their samples are read when they are looked at.

        Raises:
            DataError: the file has become shorter since it was opened.
        """
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        offset = self._offsets[index]
        return frame_from_samples(self._mapped()[offset : offset + self.layout.frame_bytes], self.layout)

    def _mapped(self) -> np.ndarray:
        if self._data is None:
            last = self._offsets[-1] + self.layout.frame_bytes
            try:
                self._data = np.memmap(self.path, dtype=np.uint8, mode="r", shape=(last,))
            except (OSError, ValueError) as error:
                raise DataError(f"Expected {last} bytes of video in {self.path}, found: {error}.") from error
        return self._data

    def planes(self, index: int) -> Planes:
        """Y, U and V of a frame, each `(1, 1, H, W)` float32, brought to full range: luma in [0, 1], chroma
        centred on one half. Chroma has the size that the format gives it; without colour it is one half.

        What lies beyond the limits of limited range falls outside of [0, 1].
        """
        return planes_of(self[index], self.layout)

    def yuv444(self, index: int) -> Tensor:
        """A frame as full-range YUV `(3, H, W)` float32, chroma brought up bilinearly to the size of luma."""
        return yuv444_of(self[index], self.layout)

    def rgb(self, index: int) -> Tensor:
        """A frame as RGB `(3, H, W)` float32 in [0, 1]."""
        return rgb_of(self[index], self.layout, self.matrix)

    def close(self) -> None:
        """Let go of the file; it is opened again when a frame is asked for."""
        self._data = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_data": None}  # a memory map would be pickled with all that it shows


def _y4m_offsets(path: Path, header: int, size: int, frame_bytes: int) -> tuple[Sequence[int], int]:
    """Where the samples of each frame start, as far as frames are whole, and where the last of these ends.
    Every frame has a line of its own in front."""
    offsets = array("q")  # eight bytes a frame, where a list would take five times as many
    end = header
    with path.open("rb") as file:
        while end < size:
            file.seek(end)
            line = file.readline(_LONGEST_HEADER)
            place = end + len(line)
            if not line.startswith(_FRAME) or not line.endswith(b"\n") or place + frame_bytes > size:
                break
            offsets.append(place)
            end = place + frame_bytes
    return offsets, end
