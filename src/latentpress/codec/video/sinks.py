"""Where decoded frames go: uncompressed files, and coded ones through PyAV."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from latentpress.codec.video.header import FrameTimes
from latentpress.codec.video.schedule import Schedule
from latentpress.codec.video.sound import SoundCopy
from latentpress.datasets.clip import Colour
from latentpress.datasets.codedvideo import MATRIX_CODES, import_av, pixel_format
from latentpress.datasets.frames import Frame
from latentpress.datasets.rawformat import DEFAULT_RATE, RawFormat, VideoFormat
from latentpress.datasets.y4m import FRAME_MARK, y4m_header
from latentpress.errors import ConfigurationError, ImageError

_SHORT_LEAD = Fraction(1, 10)  # seconds of sound before the first frame that need no gap before it
_FULL_RANGE, _LIMITED_RANGE = 2, 1  # AVColorRange
_DEPTHS = (8, 10, 12, 16)
_ADD_UP = ("mp4", "mov")  # where a file is as long as its packets together, in the order of decoding
_TAKE_ODD_SIZES = ("ffv1", "libvpx-vp9")  # with chroma of half the size


@dataclass(frozen=True)
class Encoding:
    """How a kind of coded file is made.

    Attributes:
        container: FFmpeg's name of the kind of file.
        encoder: FFmpeg's name of the encoder.
        options: of the encoder.
    """

    container: str
    encoder: str
    options: dict[str, str]


_H264 = {"crf": "15", "preset": "medium"}
_ENCODINGS = {
    ".mp4": Encoding("mp4", "libx264", _H264),
    ".m4v": Encoding("mp4", "libx264", _H264),
    ".mov": Encoding("mov", "libx264", _H264),
    ".mkv": Encoding("matroska", "ffv1", {"level": "3"}),
    ".webm": Encoding("webm", "libvpx-vp9", {"crf": "20", "b": "0"}),
}


class Sink(ABC):
    """Takes frames, one after the other.

    Attributes:
        layout: what the frames are to be.
    """

    layout: RawFormat

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Take the next frame."""

    @abstractmethod
    def close(self) -> None:
        """Bring the file to its end."""

    @abstractmethod
    def abandon(self) -> None:
        """Let go of a file that will not be finished."""


class RawSink(Sink):
    """Uncompressed: `.y4m` with a header, `.yuv` with the samples alone.

    Args:
        file: where to write; a pipe will do.
        layout: what the frames are.
        y4m: whether there are headers.
        closing: whether the file is closed at the end.
    """

    def __init__(self, file: BinaryIO, layout: RawFormat, *, y4m: bool, closing: bool = False) -> None:
        self._file, self.layout, self._closing = file, layout, closing
        self._mark = FRAME_MARK if y4m else b""
        if y4m:
            self._put(y4m_header(layout))

    def write(self, frame: Frame) -> None:
        self._put(self._mark)
        for plane in frame.planes:
            self._put(plane.tobytes())

    def close(self) -> None:
        self._file.flush()
        if self._closing:
            self._file.close()

    def abandon(self) -> None:
        self.close()

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # a pipe may take what fits
            rest = rest[self._file.write(rest) :]


class CodedSink(Sink):
    """A coded file.

    Args:
        path: where to write; its suffix does not matter.
        layout, colour: what the frames are. Where the encoder cannot hold the layout, `self.layout` is the
            nearest that it can.
        encoding: how.
        sound: a file whose sound is copied, if any.
        times: when frames are shown; evenly spaced from the beginning on if None.
    """

    def __init__(
        self,
        path: Path,
        layout: RawFormat,
        colour: Colour,
        encoding: Encoding,
        sound: Path | None = None,
        times: FrameTimes | None = None,
    ) -> None:
        av = import_av()
        self._errors = (av.FFmpegError, OSError, ValueError, OverflowError)
        self._path, self._encoding = path, encoding
        self.layout = _held(layout, self._formats(av), encoding.encoder in _TAKE_ODD_SIZES)
        rate = layout.framerate or DEFAULT_RATE
        lead = Fraction(0) if times is None else times.start * times.tick
        # So little sound before the first frame is a decoder's run-up, as a rule, which files mark as such.
        early = lead if lead <= _SHORT_LEAD else Fraction(0)
        self._schedule = Schedule(rate, times, None if sound is None else lead - early)
        self._lengths: dict[int, int] = {}  # of the frames that are in the encoder
        self._waiting: Any = None  # packet
        self._first_dts: int | None = None
        self._start: int | None = None  # of the first frame
        self._end = 0  # of the last
        try:
            self._container = av.open(str(path), "w", format=encoding.container)
            stream = self._container.add_stream(encoding.encoder, rate=rate, options=dict(encoding.options))
        except self._errors as error:
            raise self._failure(error) from error
        stream.width, stream.height = layout.width, layout.height
        stream.pix_fmt = pixel_format(self.layout)
        stream.sample_aspect_ratio = layout.aspect
        stream.codec_context.time_base = self._schedule.tick
        self._tag(stream.codec_context, colour)
        self._stream: Any = stream
        self._av = av
        self._sound = None if sound is None else SoundCopy(sound, self._container, -early)

    def write(self, frame: Frame) -> None:
        picture = self._av.VideoFrame(self.layout.width, self.layout.height, pixel_format(self.layout))
        for plane, samples in zip(picture.planes, frame.planes, strict=True):
            rows = np.zeros((plane.height, plane.line_size // samples.itemsize), samples.dtype)
            rows[:, : samples.shape[1]] = samples
            plane.update(rows)
        time, length = self._schedule.place(frame)
        picture.pts, picture.time_base = time, self._schedule.tick
        self._start = time if self._start is None else self._start
        self._lengths[time] = length
        self._mux(picture)

    def close(self) -> None:
        self._mux(None)
        try:
            if self._sound is not None:
                self._sound.copy_until(None)
            self._container.close()
        except self._errors as error:
            raise self._failure(error) from error

    def abandon(self) -> None:
        with suppress(*self._errors):
            self._container.close()

    def _mux(self, picture: Any) -> None:
        try:
            for packet in self._stream.encode(picture):
                self._pass_on(packet)
            if picture is None:
                self._pass_on(None)
            if self._sound is not None and picture is not None:
                self._sound.copy_until(picture.pts * picture.time_base)
        except self._errors as error:
            raise self._failure(error) from error

    def _pass_on(self, packet: Any) -> None:
        """Write the packet before this one; the last comes after None."""
        waiting, self._waiting = self._waiting, packet
        if packet is not None:
            packet.duration = self._lengths.pop(packet.pts, packet.duration or 0)
            self._first_dts = packet.dts if self._first_dts is None else self._first_dts
            self._end = max(self._end, packet.pts + packet.duration)
        elif waiting is not None and self._encoding.container in _ADD_UP:
            before = waiting.dts - (self._first_dts or 0)
            waiting.duration = max(1, self._end - (self._start or 0) - before)
        if waiting is not None:
            self._container.mux(waiting)

    def _formats(self, av: Any) -> set[str]:
        try:
            encoder = av.codec.Codec(self._encoding.encoder, "w")
        except (*self._errors, av.codec.codec.UnknownCodecError) as error:
            raise ConfigurationError(
                f"Expected an encoder that PyAV has, such as libx264, found {self._encoding.encoder!r}."
            ) from error
        return {known.name for known in encoder.video_formats or ()}

    def _tag(self, context: Any, colour: Colour) -> None:
        context.colorspace = MATRIX_CODES[colour.matrix][0]
        context.color_range = _FULL_RANGE if self.layout.full_range else _LIMITED_RANGE
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer

    def _failure(self, error: Exception) -> ImageError:
        reason = getattr(error, "strerror", None) or error
        return ImageError(
            f"Expected {self._encoding.encoder} to write {self.layout} into {self._encoding.container}, "
            f"found: {reason}."
        )


def encoding_for(suffix: str, encoder: str | None = None, crf: float | None = None) -> Encoding:
    """How to make files with a suffix.

    Args:
        suffix: with its dot.
        encoder: to use instead of the usual one, by FFmpeg's name.
        crf: quality of an encoder that has this option: less is better.

    Raises:
        ConfigurationError: there is no such kind of file.
    """
    known = _ENCODINGS.get(suffix)
    if known is None:
        kinds = ", ".join([".y4m", ".yuv", *_ENCODINGS])
        raise ConfigurationError(f"Expected a video file to write with the suffix {kinds}, found {suffix!r}.")
    options = known.options if encoder in (None, known.encoder) else {}
    if crf is not None:
        options = {**options, "crf": f"{crf:g}"}
    return replace(known, encoder=encoder or known.encoder, options=options)


def _held(layout: RawFormat, formats: set[str], any_size: bool) -> RawFormat:
    """The layout, or the nearest to it that an encoder with these pixel formats holds."""
    odd = not any_size and (layout.width % 2 or layout.height % 2)
    chromas = [VideoFormat.YUV444] if odd and layout.format is not VideoFormat.YUV400 else [layout.format]
    chromas += [VideoFormat.YUV420, VideoFormat.YUV444]
    depths = sorted(_DEPTHS, key=lambda depth: (depth < layout.bitdepth, abs(depth - layout.bitdepth)))
    for chroma in chromas:
        for depth in (layout.bitdepth, *depths):
            candidate = replace(layout, format=chroma, bitdepth=depth)
            if pixel_format(candidate) in formats:
                return candidate
    return layout
