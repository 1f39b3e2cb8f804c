"""Coded video files, read through PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentpress.datasets.clip import Clip, ClipInfo, Colour
from latentpress.datasets.frames import Frame, Moment, frame_from_planes
from latentpress.datasets.orientation import Orientation, orientation_of
from latentpress.datasets.rawformat import RawFormat, VideoFormat
from latentpress.datasets.rawvideo import usual_matrix
from latentpress.datasets.timing import Clock, Timing, timing_of
from latentpress.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    import av
    from av.video.format import VideoFormat as PixelFormat

_DEPTHS = (8, 9, 10, 12, 14, 16)
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_UNSPECIFIED_MATRICES = (0, 2)
MATRIX_CODES = {"bt709": (1,), "bt601": (6, 5), "bt2020": (9,)}
"""Codes of ITU-T H.273 for matrices; the first one is written."""


def import_av() -> Any:
    """The package PyAV.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ConfigurationError(
            "Expected the package PyAV (av) for coded video, found none: pip install 'latentpress[video]', "
            "or use .y4m files."
        ) from error
    return av


def pixel_format(layout: RawFormat) -> str:
    """FFmpeg's name for a format of samples, such as `yuv420p10le`."""
    name = "gray" if layout.format is VideoFormat.YUV400 else f"{layout.format.value}p"
    return name if layout.bitdepth == 8 else f"{name}{layout.bitdepth}le"


class CodedClip(Clip):
    """The first video stream of a file. Frames are turned and mirrored where the file asks
    for it.

    Args:
        path: the file.
        whole: whether damage is an error. Otherwise what cannot be decoded is left out.
    """

    def __init__(self, path: Path, *, whole: bool = True) -> None:
        self.path, self._whole = path, whole
        with self._opened() as (container, stream):
            frame = next(self._decoded(container, stream), None)
            if frame is None:
                raise DataError(f"Expected frames of video in {path}, found none.")
            self._width, self._height = frame.width, frame.height
            self._orientation = _orientation(frame)
            self._format, depth = _nearest(frame, self._orientation)
            colour = self._colour(frame, stream.codec_context)
            self._from_rgb = frame.format.is_rgb
            count, audio, start = stream.frames or None, bool(container.streams.audio), frame.pts
            aspect = Fraction(stream.sample_aspect_ratio or 1)
        timing = self._timing(start)
        layout = self._layout(frame, depth, timing.rate, aspect)
        self._pixels = pixel_format(layout)
        self.info = ClipInfo(layout, colour, count, audio, timing)
        self._shown = timing

    def __iter__(self) -> Iterator[Frame]:
        clock = None if self._shown.even else Clock(self._shown)
        with self._opened() as (container, stream):
            for frame in self._decoded(container, stream):
                moment = None if clock is None else clock.moment(frame.pts, frame.duration)
                yield self._frame(frame, moment)

    def _timing(self, start: int | None) -> Timing:
        with self._opened() as (container, stream):
            packets = self._packets(container, [stream, *container.streams.audio])
            return timing_of(packets, stream, start)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        av = import_av()
        try:
            container = av.open(str(self.path))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise DataError(f"Expected a video file at {self.path}, found: {_reason(error)}.") from error
        with container:
            if not container.streams.video:
                raise DataError(f"Expected video in {self.path}, found none.")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield container, stream

    def _decoded(self, container: Any, stream: Any) -> Iterator[av.VideoFrame]:
        av = import_av()
        number = lost = 0
        for packet in self._packets(container, [stream]):
            try:
                for frame in packet.decode():
                    yield frame
                    number += 1
            except (av.FFmpegError, OSError, ValueError) as error:
                lost += 1
                if self._whole:
                    raise DataError(
                        f"Expected {self.path} to be whole, found it damaged after {number} frames: "
                        f"{_reason(error)}."
                    ) from error
        if lost:
            self.damage = (
                f"{lost} packets of video are damaged; the {number} frames that were good were taken."
            )

    def _packets(self, container: Any, streams: list[Any]) -> Iterator[Any]:
        """The packets of some streams, up to the damage if there is any."""
        av = import_av()
        number = 0
        packets = container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError, ValueError) as error:
                if self._whole or number == 0:
                    raise DataError(
                        f"Expected {self.path} to be whole, found it damaged after {number} packets: "
                        f"{_reason(error)}."
                    ) from error
                self.damage = "the file is damaged or cut before its end; the frames before that were taken."
                packet = None
            if packet is None:
                return
            number += 1
            yield packet

    def _layout(self, frame: av.VideoFrame, depth: int, rate: Fraction | None, aspect: Fraction) -> RawFormat:
        sideways = self._orientation.sideways
        size = (frame.height, frame.width) if sideways else (frame.width, frame.height)
        full_range = frame.format.name.startswith("yuvj") or int(frame.color_range) == _FULL_RANGE
        return RawFormat(
            *size,
            depth,
            self._format,
            rate,
            full_range and not frame.format.is_rgb,
            1 / aspect if sideways else aspect,
        )

    def _colour(self, frame: av.VideoFrame, context: Any) -> Colour:
        code = int(frame.colorspace)
        tags = int(context.color_primaries), int(context.color_trc)
        if frame.format.is_rgb:
            return Colour("bt709", *tags)
        if code in _UNSPECIFIED_MATRICES:
            return Colour(usual_matrix(frame.height), *tags)
        for matrix, codes in MATRIX_CODES.items():
            if code in codes:
                return Colour(matrix, *tags)
        raise DataError(
            f"Expected the colour matrix of BT.601, BT.709 or BT.2020 in {self.path}, found number {code} of "
            "ITU-T H.273: convert it first."
        )

    def _frame(self, frame: av.VideoFrame, moment: Moment | None) -> Frame:
        if (frame.format.name.replace("yuvj", "yuv"), frame.width, frame.height) != (
            self._pixels,
            self._width,
            self._height,
        ):
            matrix = "ITU709" if self._from_rgb else None
            frame = frame.reformat(self._width, self._height, self._pixels, dst_colorspace=matrix)
        planes = [self._orientation.shown(_plane(plane, self.info.layout.dtype)) for plane in frame.planes]
        return frame_from_planes(planes, moment)


def _plane(plane: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """A copy of the samples, because the decoder uses its memory again."""
    rows = np.frombuffer(plane, np.uint8)[: plane.height * plane.line_size]
    samples: np.ndarray = rows.reshape(plane.height, plane.line_size).view(dtype)[:, : plane.width]
    return samples.copy()


def _orientation(frame: av.VideoFrame) -> Orientation:
    """How a frame is to be turned, as the file or the stream in it says."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    return Orientation() if matrix is None else orientation_of(np.frombuffer(matrix, np.int32).tolist())


def _nearest(frame: av.VideoFrame, orientation: Orientation) -> tuple[VideoFormat, int]:
    """The planar format and depth that hold what the frame does when it is turned."""
    pixels: PixelFormat = frame.format
    bits = max(component.bits for component in pixels.components)
    depth = next((depth for depth in _DEPTHS if bits <= depth), _DEPTHS[-1])
    if pixels.is_rgb or pixels.has_palette:
        return VideoFormat.YUV444, depth
    if len(pixels.components) < 3:
        return VideoFormat.YUV400, depth
    halves = (pixels.chroma_width(16) < 16, pixels.chroma_height(16) < 16)
    chosen = VideoFormat({(True, True): "yuv420", (True, False): "yuv422"}.get(halves, "yuv444"))
    if orientation.sideways and chosen is VideoFormat.YUV422:  # what is halved across would be halved down
        return VideoFormat.YUV444, depth
    moved = orientation.moves_chroma(frame.width, frame.height, *chosen.subsampling)
    return VideoFormat.YUV444 if moved else chosen, depth


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
