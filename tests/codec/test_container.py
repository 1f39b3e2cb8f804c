"""The container: what is written is read back, and nothing else is accepted."""

import zlib
from dataclasses import replace

import pytest

from latentpress.codec.container import (
    BLOCKS_PER_BYTE,
    LONGEST_HEADER,
    MAGIC,
    Container,
    Header,
    Layout,
    check_size,
    read_container,
    read_header,
    write_container,
)
from latentpress.errors import BitstreamError, ConfigurationError, ImageError, LatentPressError

HEADER = Header(768, 512, Layout.RGB, "latentpress2026", b"\x01\x02\x03\x04\x05\x06\x07\x08", {"quality": 50})
SMALL = Container(replace(HEADER, width=100, height=60), (b"latent strings", b"hyper"))
FULL = Container(
    replace(
        HEADER,
        layout=Layout.RGBA,
        parameters={"quality": 33.125, "metric": "ms-ssim", "order": 1, "own.name": "some text"},
    ),
    (b"y" * 300, b"", b"z"),
    alpha=b"\xff",
    icc=b"profile",
)


def with_checksum(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "little")


def altered(data: bytes, position: int, value: bytes) -> bytes:
    """A file with bytes replaced and its checksum made right again."""
    return with_checksum(data[:position] + value + data[position + len(value) : -4])


@pytest.mark.parametrize("section_checksums", [False, True])
@pytest.mark.parametrize("container", [SMALL, FULL])
def test_what_is_written_is_read_back(container: Container, section_checksums: bool) -> None:
    header = replace(container.header, section_checksums=section_checksums)
    container = replace(container, header=header)
    data = write_container(container)
    assert read_container(data) == container
    assert read_header(data[:LONGEST_HEADER]) == header


@pytest.mark.parametrize("layout", [Layout.L, Layout.LA, Layout.RGB, Layout.RGBA])
def test_every_layout_is_kept(layout: Layout) -> None:
    container = Container(replace(HEADER, layout=layout), (b"y",), b"\0" if layout.has_alpha else None)
    assert read_container(write_container(container)).header.layout is layout


def test_a_small_image_costs_less_than_48_bytes_besides_its_strings() -> None:
    assert len(write_container(SMALL)) - sum(map(len, SMALL.strings)) < 48


def test_the_bytes_are_those_of_the_specification() -> None:
    header = Header(300, 2, Layout.LA, "m", bytes(range(8)), {"quality": 50, "lmbda": 0.5, "x": "y"})
    body = (
        b"\x89LTP\x01\x02"
        + b"\xac\x02\x02"
        + b"\x01m"
        + bytes(range(8))
        + b"\x03\x04\x32"
        + b"\x0d\0\0\0\0\0\0\xe0\x3f"
        + b"\x02\x01x\x01y"
        + b"\x03\x02\x01\x80\x10\x02hi\x11\0"
    )
    assert write_container(Container(header, (b"hi", b""), alpha=b"\x80")) == with_checksum(body)


def test_section_checksums_follow_the_header_and_every_section() -> None:
    plain = write_container(SMALL)
    checked = write_container(replace(SMALL, header=replace(SMALL.header, section_checksums=True)))
    assert len(checked) == len(plain) + 2 * 4


@pytest.mark.parametrize("section_checksums", [False, True])
@pytest.mark.parametrize("container", [SMALL, FULL])
def test_a_file_truncated_at_any_byte_is_refused(container: Container, section_checksums: bool) -> None:
    header = replace(container.header, section_checksums=section_checksums)
    data = write_container(replace(container, header=header))
    for size in range(len(data)):
        with pytest.raises(BitstreamError, match=r"truncated|starts with"):
            read_container(data[:size])


@pytest.mark.parametrize("section_checksums", [False, True])
@pytest.mark.parametrize("container", [SMALL, FULL])
def test_every_flipped_bit_is_noticed(container: Container, section_checksums: bool) -> None:
    header = replace(container.header, section_checksums=section_checksums)
    data = write_container(replace(container, header=header))
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BitstreamError):
            read_container(bytes(damaged))


def test_a_prefix_of_a_file_with_section_checksums_gives_its_complete_sections() -> None:
    data = write_container(replace(FULL, header=replace(FULL.header, section_checksums=True)))
    prefix = read_container(data[:-2], prefix=True)
    assert not prefix.complete
    assert prefix.strings == FULL.strings[:-1]
    assert (prefix.alpha, prefix.icc) == (FULL.alpha, FULL.icc)
    assert read_container(data, prefix=True).complete


def test_a_prefix_is_refused_where_nothing_vouches_for_it() -> None:
    data = write_container(FULL)
    with pytest.raises(BitstreamError, match="truncated"):
        read_container(data[:-8], prefix=True)
    checked = write_container(replace(FULL, header=replace(FULL.header, section_checksums=True)))
    damaged = bytearray(checked[:-2])
    damaged[-20] ^= 1
    with pytest.raises(BitstreamError, match="checksum"):
        read_container(bytes(damaged), prefix=True)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(BitstreamError, match="1 more bytes"):
        read_container(write_container(SMALL) + b"\0")


@pytest.mark.parametrize("data", [b"", b"x", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + bytes(100)])
def test_other_files_are_refused_by_their_magic_number(data: bytes) -> None:
    with pytest.raises(BitstreamError, match=r"Expected a \.ltp file"):
        read_container(data)


def test_a_newer_version_is_refused_by_its_number() -> None:
    with pytest.raises(BitstreamError, match="version 2"):
        read_container(altered(write_container(SMALL), len(MAGIC), b"\x02"))


def test_unknown_flags_are_refused() -> None:
    with pytest.raises(BitstreamError, match="flags"):
        read_container(altered(write_container(SMALL), len(MAGIC) + 1, b"\x09"))


def test_an_empty_side_is_refused_by_reader_and_writer() -> None:
    with pytest.raises(BitstreamError, match="0x60"):
        read_container(altered(write_container(SMALL), len(MAGIC) + 2, b"\0"))
    with pytest.raises(ConfigurationError, match="0x60"):
        write_container(replace(SMALL, header=replace(SMALL.header, width=0)))


def body_with_sections(sections: bytes) -> bytes:
    """A grey 1x1 file without parameters; `sections` starts with their number."""
    return with_checksum(MAGIC + b"\x01\x01\x01\x01\x01m" + bytes(8) + b"\0" + sections)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (b"\x02\x10\x01a\x10\x01b", "after 16, found 16"),  # twice the same
        (b"\x02\x11\x01a\x10\x01b", "after 17, found 16"),  # out of order
        (b"\x01\x04\x01a", "knows, found 4"),
        (b"\x01\x00\x01a", "after 0, found 0"),
        (b"\x02\x10\x01a\x12\x01b", "without gaps"),
        (b"\x01\x11\x01a", "without gaps"),
        (b"\x01\x02\x01a", "alpha section"),
        (b"\x01\x03\x01a", "padding"),
        (b"\x01\x10\x80\x00", "LEB128"),  # not the shortest form of 0
        (b"\x01\x10" + b"\xff" * 9 + b"\x01a", "LEB128"),  # more than 63 bits
        (b"\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7fa", "truncated"),  # claims 2^63 - 1 bytes
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "truncated"),  # claims 2^63 - 1 sections
    ],
)
def test_malformed_sections_are_refused_even_under_a_right_checksum(sections: bytes, message: str) -> None:
    with pytest.raises(BitstreamError, match=message):
        read_container(body_with_sections(sections))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (b"\x21", "at most 32 parameters"),
        (b"\x02\x04\x01\x04\x02", "quality twice"),
        (b"\x02\x04\x01\x00\x07quality\x02", "quality twice"),
        (b"\x01\x07\x01", "type"),
        (b"\x01\xfc\x01", "code 63"),
        (b"\x01\x0a\x02a\x1b", "printable"),  # a terminal's escape character
        (b"\x01\x0a\x80\x02", "characters"),
        (b"\x01\x00\x01/\x01", "letters"),
    ],
)
def test_malformed_parameters_are_refused(parameters: bytes, message: str) -> None:
    with pytest.raises(BitstreamError, match=message):
        read_container(with_checksum(MAGIC + b"\x01\x01\x01\x01\x01m" + bytes(8) + parameters + b"\0"))


@pytest.mark.parametrize(
    "header",
    [
        replace(HEADER, model=""),
        replace(HEADER, model="../../etc/passwd"),
        replace(HEADER, model="x" * 256),
        replace(HEADER, fingerprint=bytes(7)),
        replace(HEADER, parameters={"quality": -1}),
        replace(HEADER, parameters={"note": "line\nbreak"}),
        replace(HEADER, parameters={f"p{i}": i for i in range(33)}),
        replace(HEADER, layout=Layout.RGBA),
    ],
)
def test_what_the_format_cannot_hold_is_not_written(header: Header) -> None:
    with pytest.raises(ConfigurationError):
        write_container(Container(header, (b"y",)))


def test_an_image_over_the_limit_is_refused_until_the_caller_raises_it() -> None:
    header = replace(HEADER, width=20000, height=20000)
    with pytest.raises(ImageError, match="20000x20000"):
        check_size(header, 10**6, 2**27)
    check_size(header, 10**6, None)
    check_size(header, 10**6, 2**29)


def test_a_thin_image_counts_for_the_blocks_that_it_touches() -> None:
    with pytest.raises(ImageError):
        check_size(replace(HEADER, width=1, height=2**24), 10**6, 2**27)


def test_an_image_too_large_for_its_file_is_refused_without_any_limit() -> None:
    with pytest.raises(BitstreamError, match="32768x32768"):
        check_size(replace(HEADER, width=2**15, height=2**15), 100, None)


def test_an_empty_huge_image_is_padded_until_a_reader_believes_it() -> None:
    header = replace(HEADER, width=2**15, height=2**15)
    data = write_container(Container(header, (b"y", b"z")))
    check_size(header, len(data), None)
    assert len(data) < header.blocks / BLOCKS_PER_BYTE + 16
    assert read_container(data).strings == (b"y", b"z")


def test_errors_of_the_container_belong_to_the_one_family() -> None:
    assert issubclass(BitstreamError, LatentPressError)
    assert issubclass(BitstreamError, ValueError)
