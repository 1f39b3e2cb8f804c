"""What a `.ltp` file of a video says before its frames, and its bytes; specified in docs/file-format.md."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from latentpress.codec.binary import ByteReader, ByteWriter
from latentpress.codec.container import BLOCK_SIDE, VIDEO_MAGIC, blocks_of
from latentpress.codec.maker import Maker, check_maker, read_maker, write_maker
from latentpress.codec.video.packets import LATEST
from latentpress.datasets.clip import Colour
from latentpress.datasets.codedvideo import MATRIX_CODES
from latentpress.datasets.rawformat import RawFormat, VideoFormat
from latentpress.errors import BitstreamError, ConfigurationError, DataError

VERSION = 1
TIMED_VERSION = 2  # of files that say when frames are shown; the others are as they always were
LONGEST_HEADER = 2**16  # one with every field at its longest is shorter

_FORMATS = (VideoFormat.YUV400, VideoFormat.YUV420, VideoFormat.YUV422, VideoFormat.YUV444)
_FULL_RANGE = 4
_EACH = 8
_LARGEST_TERM = 2**31 - 1  # of the fraction that a tick is


@dataclass(frozen=True)
class FrameTimes:
    """When frames are shown, where it is not evenly from the beginning of the sound on.

    Attributes:
        tick: the unit of time, in seconds.
        start: when the first frame is shown, in ticks after the beginning of the sound.
        each: whether every frame has its moment; they are evenly spaced at the frame rate otherwise.
    """

    tick: Fraction
    start: int
    each: bool


@dataclass(frozen=True)
class VideoHeader:
    """What a file says about itself before its frames.

    Attributes:
        layout: size of frames, meaning of samples, frame rate.
        colour: meaning of colours.
        gop: most frames from one keyframe to the next.
        maker: the model that made the file.
        times: when frames are shown; evenly spaced from the beginning on if None.
    """

    layout: RawFormat
    colour: Colour
    gop: int
    maker: Maker
    times: FrameTimes | None = None

    @property
    def each_timed(self) -> bool:
        """Whether every frame has its moment."""
        return self.times is not None and self.times.each

    @property
    def blocks(self) -> int:
        """Number of 64x64 blocks that a frame touches."""
        return blocks_of(self.layout.width, self.layout.height)

    @property
    def longest_packet(self) -> int:
        """Bytes of content that a frame's packet has at most: more than any coder makes of so many pixels."""
        return 2**16 + 16 * self.blocks * BLOCK_SIDE**2


def header_bytes(header: VideoHeader) -> bytes:
    """A header as it is in the file.

    Raises:
        ConfigurationError: a field does not fit the format.
    """
    layout, colour, times = header.layout, header.colour, header.times
    rate, aspect = layout.framerate or Fraction(0), layout.aspect
    check_maker(header.maker)
    if header.gop < 1:
        raise ConfigurationError(f"Expected a keyframe every 1 frame or more, found {header.gop}.")
    writer = ByteWriter()
    writer.raw(VIDEO_MAGIC)
    writer.byte(VERSION if times is None else TIMED_VERSION)
    flags = (_FULL_RANGE if layout.full_range else 0) | (_EACH if header.each_timed else 0)
    writer.byte(_FORMATS.index(layout.format) | flags)
    writer.byte(layout.bitdepth)
    writer.byte(colour.primaries)
    writer.byte(colour.transfer)
    writer.byte(MATRIX_CODES[colour.matrix][0])
    for value in (layout.width, layout.height, rate.numerator, rate.denominator):
        writer.uint(value)
    for value in (aspect.numerator, aspect.denominator, header.gop):
        writer.uint(value)
    if times is not None:
        if not _is_tick(times.tick.numerator, times.tick.denominator) or times.start > LATEST:
            raise ConfigurationError(
                f"Expected times in ticks that a file can hold, found ticks of {times.tick} s "
                f"from {times.start} on."
            )
        for value in (times.tick.numerator, times.tick.denominator, times.start):
            writer.uint(value)
    write_maker(writer, header.maker)
    writer.checksum()
    return writer.getvalue()


def read_header(reader: ByteReader) -> VideoHeader:
    """What `header_bytes` was given.

    Raises:
        BitstreamError: the bytes are no such header, of an unknown version, damaged or cut.
    """
    magic = reader.raw(len(VIDEO_MAGIC), "the magic number")
    if magic != VIDEO_MAGIC:
        raise BitstreamError(f"Expected a .ltp file of a video, found one that starts with {magic!r}.")
    version = reader.byte("the version")
    if version not in (VERSION, TIMED_VERSION):
        raise BitstreamError(
            f"Expected version {VERSION} or {TIMED_VERSION} of the .ltp format of videos, "
            f"found version {version}; read the file with a newer LatentPress."
        )
    timed = version == TIMED_VERSION
    flags, bitdepth = reader.byte("the flags"), reader.byte("the depth")
    primaries, transfer = reader.byte("the primaries"), reader.byte("the transfer function")
    code = reader.byte("the colour matrix")
    width, height = reader.uint("the width"), reader.uint("the height")
    rate = reader.uint("the frame rate"), reader.uint("the frame rate")
    aspect = reader.uint("the aspect of a pixel"), reader.uint("the aspect of a pixel")
    gop = reader.uint("the distance of keyframes")
    ticks = [reader.uint("the times of frames") for _ in range(3 if timed else 0)]
    maker = read_maker(reader)
    reader.checksum("the header")
    matrix = next((name for name, codes in MATRIX_CODES.items() if code in codes), None)
    known = flags < (2 * _EACH if timed else _EACH) and matrix is not None
    if timed:
        known = known and _is_tick(ticks[0], ticks[1]) and ticks[2] <= LATEST
    if not known or matrix is None or 0 in (rate[1], *aspect, gop):
        raise BitstreamError(
            f"Expected a header with values that version {version} knows: the file is damaged."
        )
    times = FrameTimes(Fraction(ticks[0], ticks[1]), ticks[2], bool(flags & _EACH)) if timed else None
    try:
        layout = RawFormat(
            width,
            height,
            bitdepth,
            _FORMATS[flags % _FULL_RANGE],
            Fraction(*rate) or None,
            bool(flags & _FULL_RANGE),
            Fraction(*aspect),
        )
    except (DataError, ConfigurationError) as error:
        raise BitstreamError(f"The file is damaged: {error}") from error
    return VideoHeader(layout, Colour(matrix, primaries, transfer), gop, maker, times)


def _is_tick(numerator: int, denominator: int) -> bool:
    return 0 < numerator <= _LARGEST_TERM and 0 < denominator <= _LARGEST_TERM
