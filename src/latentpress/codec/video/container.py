"""The `.ltp` format of videos, versions 1 and 2: a header, a packet for each frame, an index of keyframes.

Specified in docs/file-format.md. The writer needs no seeking and keeps nothing but the index; the reader
finds its way again after bytes that are damaged, missing or added. Both know bytes only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from latentpress.codec.binary import ByteReader, ByteWriter
from latentpress.codec.video.header import LONGEST_HEADER, VideoHeader, header_bytes, read_header
from latentpress.codec.video.packets import (
    LONGEST_HEAD,
    SMALLEST_PACKET,
    SYNC,
    Head,
    Kind,
    Packet,
    packet_bytes,
    read_content,
    read_head,
    read_index,
    write_frame,
)
from latentpress.datasets.frames import Moment
from latentpress.errors import ConfigurationError, ImageError

END = b"LTV\x89"
FOOTER_SIZE = 8 + len(END)

_LARGEST_INDEX = 2**26
_SCANNED = 2**16


class VideoWriter:
    """Writes a file from front to back.

    Args:
        file: where to write; a pipe will do.
        header: what the file says about itself.

    Raises:
        ConfigurationError: a field does not fit the format.
    """

    def __init__(self, file: BinaryIO, header: VideoHeader) -> None:
        self._file, self._header = file, header
        self._index = ByteWriter()
        self._last_keyframe = (0, 0)
        self.frames = 0
        self.size = 0  # bytes written
        self._put(header_bytes(header))

    def write_frame(self, strings: Sequence[bytes], *, keyframe: bool, moment: Moment | None = None) -> int:
        """Add the next frame; the number of bytes that it takes.

        Args:
            strings: of the model.
            keyframe: whether it is one.
            moment: when it is shown, where the header says that every frame has one.

        Raises:
            ConfigurationError: there is no moment where there has to be one, or one that no file can hold.
        """
        if self._header.each_timed and moment is None:
            raise ConfigurationError("Expected a moment for each frame of this file, found a frame without.")
        if keyframe:
            number, offset = self._last_keyframe
            self._index.uint(self.frames - number)
            self._index.uint(self.size - offset)
            self._last_keyframe = (self.frames, self.size)
        kind = Kind.KEYFRAME if keyframe else Kind.INTER
        content = write_frame(
            strings,
            self._header.blocks if keyframe else 0,
            moment if self._header.each_timed else None,
        )
        taken = self._put(packet_bytes(kind, self.frames, content))
        self.frames += 1
        return taken

    def write_audio(self, number: int, content: bytes) -> None:
        """Add a part of the sound, before the first frame."""
        self._put(packet_bytes(Kind.AUDIO, number, content))

    def close(self) -> None:
        """Add the index and the footer; the file itself stays open."""
        offset = self.size
        self._put(packet_bytes(Kind.INDEX, self.frames, self._index.getvalue()))
        self._put(offset.to_bytes(8, "little") + END)

    def _put(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:  # a pipe may take what fits
            rest = rest[self._file.write(rest) :]
        self.size += len(data)
        return len(data)


class VideoReader:
    """Reads a file, from the front or from any keyframe.

    Args:
        file: the file, which can seek.

    Attributes:
        header: what the file says about itself.
        size: of the file, in bytes.
        frames: how many frames the file has, as its index says; None while no whole index was met.
        damaged: whether bytes were passed over that are no whole packet.

    Raises:
        BitstreamError: the file is no video, of an unknown version, or its header is damaged or cut.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        self.frames: int | None = None
        self.damaged = False
        data = self._bytes_at(0, LONGEST_HEADER)
        reader = ByteReader(data)
        self.header = read_header(reader)
        self._first = len(data) - reader.remaining

    @property
    def most_frames(self) -> int:
        """How many frames a file of this size can have."""
        return self.size // SMALLEST_PACKET

    def packets(self, offset: int | None = None) -> Iterator[Packet]:
        """The packets that are whole, up to the index; what is between them is passed over.

        Args:
            offset: where to begin; at the first packet if None.
        """
        position = self._first if offset is None else offset
        while position < self.size:
            place, head = self._next_head(position)
            self.damaged |= place != position
            if head is None:
                return
            content = self._content(place, head)
            if content is not None:
                position = place + head.packet_size
                if head.kind is Kind.INDEX:
                    self.frames = head.number
                yield Packet(head.kind, head.number, content, place)
                if head.kind is Kind.INDEX:
                    return
                continue
            self.damaged = True
            # A head that is right says where the next packet begins, unless the file is cut before.
            cut = place + head.packet_size > self.size
            position = place + 1 if cut else place + head.packet_size

    def audio_packets(self) -> Iterator[Packet]:
        """The parts of the sound, which come before the frames."""
        for packet in self.packets():
            if packet.kind is not Kind.AUDIO:
                return
            yield packet

    def keyframe_before(self, frame: int) -> int | None:
        """Where to begin to read for a frame: offset of the last keyframe that is not after it.

        The index says it; without a whole one, all packets are looked at. None if there is no such keyframe.
        """
        found = None
        for number, offset in self._index() or self._keyframes():
            if number > frame:
                break
            found = offset
        return found

    def read_index(self) -> bool:
        """Look for the index at the end of the file, which sets `frames`; whether there is one."""
        return self._index() is not None

    def _keyframes(self) -> Iterator[tuple[int, int]]:
        damaged = self.damaged
        for packet in self.packets():
            if packet.kind is Kind.KEYFRAME:
                yield packet.number, packet.offset
        self.damaged = damaged

    def _index(self) -> list[tuple[int, int]] | None:
        footer = self._bytes_at(max(0, self.size - FOOTER_SIZE), FOOTER_SIZE)
        place = int.from_bytes(footer[:8], "little")
        if footer[8:] != END or not self._first <= place < self.size:
            return None
        head = self._head_at(place)
        if head is None or head.kind is not Kind.INDEX:
            return None
        content = self._content(place, head)
        entries = None if content is None else read_index(content, head.number, place)
        if entries is not None:
            self.frames = head.number
        return entries

    def _next_head(self, position: int) -> tuple[int, Head | None]:
        """The first right head from here on, and its place."""
        span = LONGEST_HEAD
        while position < self.size:
            data = self._bytes_at(position, span)
            found = data.find(SYNC)
            while found >= 0:
                head = self._head_at(position + found)
                if head is not None:
                    return position + found, head
                found = data.find(SYNC, found + 1)
            position += max(1, len(data) - len(SYNC) + 1)
            span = min(2 * span, _SCANNED)
        return self.size, None

    def _head_at(self, position: int) -> Head | None:
        head = read_head(self._bytes_at(position, LONGEST_HEAD))
        if head is None or head.number > self.most_frames:
            return None
        longest = _LARGEST_INDEX if head.kind is Kind.INDEX else self.header.longest_packet
        return head if head.length <= longest else None

    def _content(self, place: int, head: Head) -> bytes | None:
        """The content of a packet; None where it is cut or its checksum is wrong."""
        if place + head.packet_size > self.size:
            return None
        return read_content(self._bytes_at(place, head.packet_size), head)

    def _bytes_at(self, position: int, size: int) -> bytes:
        try:
            self._file.seek(position)
            return self._file.read(min(size, self.size - position))
        except OSError as error:
            raise ImageError(f"Expected a readable file, found: {error.strerror or error}.") from error
