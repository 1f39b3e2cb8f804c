"""The format of videos: bytes in, packets out, whatever happened to the bytes."""

import io
import zlib
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentpress.codec.container import read_container
from latentpress.codec.maker import Maker
from latentpress.codec.video.container import FOOTER_SIZE, VideoReader, VideoWriter
from latentpress.codec.video.header import VideoHeader, header_bytes
from latentpress.codec.video.packets import (
    SMALLEST_PACKET,
    Kind,
    packet_bytes,
    read_strings,
    write_strings,
)
from latentpress.datasets.clip import Colour
from latentpress.datasets.rawformat import RawFormat, VideoFormat
from latentpress.errors import BitstreamError, ConfigurationError

HEADER = VideoHeader(
    RawFormat(641, 333, 10, VideoFormat.YUV422, Fraction(24000, 1001), True, Fraction(4, 3)),
    Colour("bt2020", 9, 16),
    3,
    Maker("some-model", bytes(range(8)), {"quality": 4, "metric": "ms-ssim"}),
)


class OneWay(io.RawIOBase):
    """A pipe: it can neither seek nor tell, and takes a few bytes at a time."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        taken = bytes(data[:1000])
        self.data += taken
        return len(taken)


def written(frames: int = 8, size: int = 50) -> bytes:
    file = OneWay()
    writer = VideoWriter(file, HEADER)
    for number in range(frames):
        writer.write_frame([bytes([number]) * size, b"z"], keyframe=number % 3 == 0)
    writer.close()
    assert writer.size == len(file.data)
    return file.data


def numbers(data: bytes, offset: int | None = None) -> list[int]:
    packets = VideoReader(io.BytesIO(data)).packets(offset)
    return [packet.number for packet in packets if packet.kind is not Kind.INDEX]


def place_of(data: bytes, number: int) -> int:
    packets = VideoReader(io.BytesIO(data)).packets()
    return next(packet.offset for packet in packets if packet.number == number)


def test_what_is_written_front_to_back_is_read_again() -> None:
    data = written()
    reader = VideoReader(io.BytesIO(data))
    assert reader.header == HEADER
    packets = list(reader.packets())
    assert [packet.number for packet in packets] == [*range(8), 8]
    assert [packet.kind for packet in packets[:4]] == [
        Kind.KEYFRAME,
        Kind.INTER,
        Kind.INTER,
        Kind.KEYFRAME,
    ]
    assert read_strings(packets[5].content) == (bytes([5]) * 50, b"z")
    assert (reader.frames, reader.damaged) == (8, False)


@pytest.mark.parametrize("format", list(VideoFormat))
@pytest.mark.parametrize("rate", [None, Fraction(25), Fraction(30000, 1001)])
def test_every_header_comes_back(format: VideoFormat, rate: Fraction | None) -> None:
    layout = replace(HEADER.layout, format=format, framerate=rate)
    header = replace(HEADER, layout=layout, colour=Colour("bt709"))
    assert VideoReader(io.BytesIO(header_bytes(header))).header == header


def test_an_index_at_the_end_leads_to_the_keyframe_before_a_frame() -> None:
    data = written()
    reader = VideoReader(io.BytesIO(data))
    assert reader.read_index()
    assert reader.frames == 8
    for frame, keyframe in ((0, 0), (2, 0), (3, 3), (5, 3), (7, 6)):
        offset = reader.keyframe_before(frame)
        assert numbers(data, offset)[0] == keyframe


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_without_the_index_keyframes_are_found_by_looking_at_all_packets(damage: str) -> None:
    data = bytearray(written())
    if damage == "cut":
        del data[-FOOTER_SIZE - 5 :]
    else:
        data[-FOOTER_SIZE - 5] ^= 1
    reader = VideoReader(io.BytesIO(bytes(data)))
    assert not reader.read_index()
    assert numbers(bytes(data), reader.keyframe_before(5))[0] == 3


def test_every_cut_keeps_the_packets_before_it() -> None:
    data = written()
    first = place_of(data, 0)
    for cut in range(first, len(data)):
        kept = numbers(data[:cut])
        assert kept == list(range(len(kept)))
        if len(kept) < 8:
            assert cut < place_of(data, len(kept)) + 100


def test_every_cut_within_the_header_is_an_error() -> None:
    data = written()
    for cut in range(place_of(data, 0)):
        with pytest.raises(BitstreamError):
            VideoReader(io.BytesIO(data[:cut]))


def test_a_wrong_byte_costs_one_packet_wherever_it_is() -> None:
    data = written(size=20)
    for position in range(place_of(data, 0), len(data) - FOOTER_SIZE):
        broken = bytearray(data)
        broken[position] ^= 0x41
        reader = VideoReader(io.BytesIO(bytes(broken)))
        found = [packet for packet in reader.packets() if packet.kind is not Kind.INDEX]
        assert len(found) >= 7
        assert reader.damaged


@pytest.mark.parametrize("change", ["removed", "added"])
def test_bytes_that_are_gone_or_new_cost_no_more_than_the_packets_they_touch(change: str) -> None:
    data = written()
    middle = place_of(data, 4) + 20
    changed = (
        data[:middle] + data[middle + 30 :]
        if change == "removed"
        else data[:middle] + b"\x89P" * 40 + data[middle:]
    )
    assert {0, 1, 2, 3, 6, 7} <= set(numbers(changed))
    assert 4 not in numbers(changed)


def test_a_head_that_claims_too_much_is_passed_over() -> None:
    data = written()
    place = place_of(data, 4)
    for kind, number, length in ((Kind.INTER, 4, 2**40), (Kind.KEYFRAME, 2**50, 5), (Kind.INDEX, 2**50, 0)):
        head = bytearray(packet_bytes(kind, number, b""))[:3]
        claim = head + _leb(number) + _leb(length)
        claim += zlib.crc32(claim).to_bytes(4, "little")
        hostile = data[:place] + bytes(claim) + data[place:]
        reader = VideoReader(io.BytesIO(hostile))
        assert [p.number for p in reader.packets() if p.kind is not Kind.INDEX] == list(range(8))
        assert reader.damaged


def test_an_index_that_lies_is_no_index() -> None:
    data = written()
    place = int.from_bytes(data[-FOOTER_SIZE:][:8], "little")
    for content in (b"\x00\x05\x00\x05", b"\x09\x05", b"\x00" + _leb(2**40), b"\x00", b"\x80"):
        forged = data[:place] + packet_bytes(Kind.INDEX, 8, content) + data[-FOOTER_SIZE:]
        reader = VideoReader(io.BytesIO(forged))
        assert not reader.read_index()
        assert numbers(forged, reader.keyframe_before(5))[0] == 3
    astray = data[:-FOOTER_SIZE] + (2**60).to_bytes(8, "little") + data[-4:]
    assert not VideoReader(io.BytesIO(astray)).read_index()


def test_a_file_of_nothing_but_marks_is_gone_through_once() -> None:
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    head = written()[: place_of(written(), 0)]
    cut_packet = packet_bytes(Kind.INTER, 1, bytes(2**18))[:15]  # each is right, and ends beyond the file
    for filler in (b"\x89P" * 20000, cut_packet * 3000):
        file = Counting(head + filler)
        assert list(VideoReader(file).packets()) == []
        assert file.taken < 60 * len(filler)


def test_a_file_for_images_is_told_from_one_for_videos() -> None:
    with pytest.raises(BitstreamError, match="found one of a video"):
        read_container(written())
    with pytest.raises(BitstreamError, match="of a video, found one that starts with"):
        VideoReader(io.BytesIO(b"\x89LTP" + bytes(100)))


def test_another_version_is_refused() -> None:
    data = bytearray(written())
    data[4] = 3
    with pytest.raises(BitstreamError, match="newer LatentPress"):
        VideoReader(io.BytesIO(bytes(data)))


def test_what_does_not_fit_the_format_is_not_written() -> None:
    with pytest.raises(ConfigurationError, match="keyframe"):
        header_bytes(replace(HEADER, gop=0))
    with pytest.raises(ConfigurationError, match="fingerprint"):
        header_bytes(replace(HEADER, maker=Maker("m", b"short", {})))


@given(st.lists(st.binary(max_size=40), max_size=5), st.integers(0, 3000))
@settings(max_examples=50, deadline=None)
def test_strings_come_back_however_many_blocks_they_are_for(strings: list[bytes], blocks: int) -> None:
    content = write_strings(strings, blocks)
    assert read_strings(content, blocks) == tuple(strings)
    assert blocks <= 16 * len(content)


@pytest.mark.parametrize(
    "content", [b"", b"\x02\x01a", b"\x01\xff\xff\xff\xff\x7fabc", b"\x01\x01a\x00\x07", b"\xff" * 12]
)
def test_malformed_strings_are_an_error(content: bytes) -> None:
    with pytest.raises(BitstreamError):
        read_strings(content)


def test_a_keyframe_of_few_bytes_cannot_claim_many_blocks() -> None:
    with pytest.raises(BitstreamError, match="at least 7 bytes"):
        read_strings(write_strings([b"abc"]), blocks=100)


def test_the_smallest_packet_is_as_small_as_is_said() -> None:
    assert len(packet_bytes(Kind.INTER, 0, b"")) == SMALLEST_PACKET


def _leb(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
