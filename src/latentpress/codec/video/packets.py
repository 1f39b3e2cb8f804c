"""The packets of a `.ltp` file of a video: a frame, a part of the sound, or the index of keyframes.

Specified in docs/file-format.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from latentpress.codec.binary import ByteReader, ByteWriter
from latentpress.codec.container import BLOCKS_PER_BYTE
from latentpress.datasets.frames import Moment
from latentpress.errors import BitstreamError, ConfigurationError

SYNC = b"\x89P"
SMALLEST_PACKET = 13  # bytes: sync, kind, number, length, checksum of the head, checksum
LONGEST_HEAD = 2 + 1 + 9 + 9 + 4
CHECKSUM_SIZE = 4
LATEST = 2**56  # ticks: sums of times stay within 64 bits


class Kind(IntEnum):
    """What a packet holds."""

    KEYFRAME = 1
    INTER = 2
    INDEX = 3
    AUDIO = 4


class Packet(NamedTuple):
    """A packet that is whole.

    Attributes:
        kind: what it holds.
        number: of the frame, from 0; of an index, how many frames there are; of sound, its place.
        content: the bytes.
        offset: where it begins in the file.
    """

    kind: Kind
    number: int
    content: bytes
    offset: int


def write_strings(strings: Sequence[bytes], blocks: int = 0) -> bytes:
    """The content of a frame's packet.

    Args:
        strings: the model's byte strings for the frame.
        blocks: of a keyframe, the blocks that it touches: zeros fill the content up to what they need.
    """
    writer = ByteWriter()
    writer.uint(len(strings))
    for string in strings:
        writer.uint(len(string))
        writer.raw(string)
    writer.raw(bytes(max(0, -(-blocks // BLOCKS_PER_BYTE) - len(writer))))
    return writer.getvalue()


def read_strings(content: bytes, blocks: int = 0) -> tuple[bytes, ...]:
    """What `write_strings` was given.

    Raises:
        BitstreamError: the content is malformed, or too short for so many blocks.
    """
    if blocks > len(content) * BLOCKS_PER_BYTE:
        raise BitstreamError(
            f"Expected at least {-(-blocks // BLOCKS_PER_BYTE)} bytes for a keyframe of {blocks} blocks, "
            f"found {len(content)}: the file is damaged."
        )
    reader = ByteReader(content)
    strings = []
    for _ in range(reader.uint("the number of strings")):
        size = reader.uint("the length of a string")
        strings.append(reader.raw(size, "a string"))
    if any(reader.raw(reader.remaining, "padding")):
        raise BitstreamError("Expected padding of zeros, found other bytes: the file is damaged.")
    return tuple(strings)


def write_frame(strings: Sequence[bytes], blocks: int = 0, moment: Moment | None = None) -> bytes:
    """The content of a frame's packet: its moment, if frames have one, and what `write_strings` gives.

    Raises:
        ConfigurationError: the moment is too late for the format.
    """
    content = write_strings(strings, blocks)
    if moment is None:
        return content
    if not (0 <= moment.time <= LATEST and 0 <= moment.length <= LATEST):
        raise ConfigurationError(f"Expected a time of up to {LATEST} ticks for a frame, found {moment}.")
    writer = ByteWriter()
    writer.uint(moment.time)
    writer.uint(moment.length)
    return writer.getvalue() + content


def read_frame(
    content: bytes, blocks: int = 0, *, timed: bool = False
) -> tuple[tuple[bytes, ...], Moment | None]:
    """Strings and moment of a frame, which has one if `timed`.

    Raises:
        BitstreamError: the content is malformed, or too short for so many blocks.
    """
    if not timed:
        return read_strings(content, blocks), None
    moment, size = read_moment(content)
    return read_strings(content[size:], blocks), moment


def read_moment(content: bytes) -> tuple[Moment, int]:
    """The moment with which a frame's content begins, and the bytes that it takes.

    Raises:
        BitstreamError: it is malformed.
    """
    reader = ByteReader(content)
    moment = Moment(reader.uint("the time of a frame"), reader.uint("how long a frame is shown"))
    if max(moment) > LATEST:
        raise BitstreamError(f"Expected times of up to {LATEST} ticks, found {moment}: the file is damaged.")
    return moment, len(content) - reader.remaining


class Head(NamedTuple):
    """What a packet says before its content.

    Attributes:
        kind, number: see `Packet`.
        size: of the head itself, in bytes.
        length: of the content.
    """

    kind: Kind
    number: int
    size: int
    length: int

    @property
    def packet_size(self) -> int:
        """Bytes of the whole packet."""
        return self.size + self.length + CHECKSUM_SIZE


def packet_bytes(kind: Kind, number: int, content: bytes) -> bytes:
    """A packet as it is in the file."""
    writer = ByteWriter()
    writer.raw(SYNC)
    writer.byte(kind)
    writer.uint(number)
    writer.uint(len(content))
    writer.checksum()
    writer.raw(content)
    writer.checksum()
    return writer.getvalue()


def read_head(data: bytes) -> Head | None:
    """The head of a packet at the beginning of the data; None where there is none that is right."""
    if not data.startswith(SYNC):
        return None
    reader = ByteReader(data)
    try:
        reader.raw(len(SYNC), "the mark of a packet")
        kind = Kind(reader.byte("the kind of a packet"))
        number = reader.uint("the number of a packet")
        length = reader.uint("the length of a packet")
        reader.checksum("the head of a packet")
    except ValueError:  # which a BitstreamError is, too
        return None
    return Head(kind, number, len(data) - reader.remaining, length)


def read_content(data: bytes, head: Head) -> bytes | None:
    """The content of the packet that the data are; None where its checksum is wrong."""
    reader = ByteReader(data)
    try:
        reader.raw(head.size - CHECKSUM_SIZE, "the head of a packet")
        reader.checksum("the head of a packet")
        content = reader.raw(head.length, "the content of a packet")
        reader.checksum("a packet")
    except BitstreamError:
        return None
    return content


def read_index(content: bytes, frames: int, end: int) -> list[tuple[int, int]] | None:
    """Numbers and offsets of keyframes, ascending; None where they are malformed."""
    reader = ByteReader(content)
    entries: list[tuple[int, int]] = []
    number = offset = 0
    try:
        while reader.remaining:
            number += reader.uint("the number of a keyframe")
            offset += reader.uint("the place of a keyframe")
            if number >= frames or offset >= end or (entries and number == entries[-1][0]):
                return None
            entries.append((number, offset))
    except BitstreamError:
        return None
    return entries
