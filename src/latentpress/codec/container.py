"""The `.ltp` file format, version 1: what is in a file, its writer and its reader, mirroring each other.

Specified in docs/file-format.md. This module knows bytes only; pixels and networks are in the modules
beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from latentpress.codec.binary import ByteReader, ByteWriter, EndOfDataError
from latentpress.codec.maker import Maker, Parameter, check_maker, read_maker, write_maker
from latentpress.errors import BitstreamError, ConfigurationError, ImageError

MAGIC = b"\x89LTP"
VIDEO_MAGIC = b"\x89LTV"  # of the files that `codec.video.container` writes
VERSION = 1
DEFAULT_MAX_PIXELS = 2**27
LONGEST_HEADER = 2**16  # a header with every field at its longest is shorter than this

# Pixels are counted in whole blocks, because that is what a decoder works on, however thin the image.
BLOCK_SIDE = 64
BLOCKS_PER_BYTE = 16

_FLAG_COLOUR = 1
_FLAG_ALPHA = 2
_FLAG_SECTION_CHECKSUMS = 4
_KNOWN_FLAGS = _FLAG_COLOUR | _FLAG_ALPHA | _FLAG_SECTION_CHECKSUMS


class Layout(IntEnum):
    """What a pixel is made of; the values are the two low bits of the flags byte."""

    L = 0
    RGB = _FLAG_COLOUR
    LA = _FLAG_ALPHA
    RGBA = _FLAG_COLOUR | _FLAG_ALPHA

    @property
    def has_colour(self) -> bool:
        return bool(self & _FLAG_COLOUR)

    @property
    def has_alpha(self) -> bool:
        return bool(self & _FLAG_ALPHA)


class Section(IntEnum):
    """Codes of the byte sections; the i-th string of the model has code STRINGS + i."""

    ICC = 1
    ALPHA = 2
    PADDING = 3
    STRINGS = 16


@dataclass(frozen=True)
class Header:
    """What a file says about itself before the coded data.

    Args:
        width, height: size of the image in pixels, at least 1.
        layout: grey or colour, with or without alpha.
        model: zoo name of the model that made the file.
        fingerprint: 8 bytes that identify the model's weights and coder tables.
        parameters: what the model needs to be told to decode, such as its quality.
        section_checksums: whether every section has its own checksum, so that a prefix of the file can be
            trusted.
    """

    width: int
    height: int
    layout: Layout
    model: str
    fingerprint: bytes
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    section_checksums: bool = False

    @property
    def maker(self) -> Maker:
        """The model that made the file."""
        return Maker(self.model, self.fingerprint, self.parameters)

    @property
    def blocks(self) -> int:
        """Number of 64x64 blocks that the image touches."""
        return blocks_of(self.width, self.height)


@dataclass(frozen=True)
class Container:
    """A whole file, taken apart.

    Args:
        header: what the file says about itself.
        strings: the model's byte strings for the one image, in the order of its `compress`.
        alpha: the alpha plane as coded by `codec.alpha`; present exactly if the layout has alpha.
        icc: the ICC profile as coded by `codec.packing`, or None.
        complete: False if the file was cut and read with `prefix=True`: later sections are missing.
    """

    header: Header
    strings: tuple[bytes, ...]
    alpha: bytes | None = None
    icc: bytes | None = None
    complete: bool = True


def write_container(container: Container) -> bytes:
    """The file for a container.

    Raises:
        ConfigurationError: a field does not fit the format.

    Example:
        >>> header = Header(3, 2, Layout.RGB, "some-model", bytes(8), {"quality": 50})
        >>> data = write_container(Container(header, (b"abc",)))
        >>> read_container(data).strings
        (b'abc',)
    """
    _check_writable(container)
    data = _assemble(container, padding=0)
    missing = -(-container.header.blocks // BLOCKS_PER_BYTE) - len(data)
    return data if missing <= 0 else _assemble(container, padding=missing)


def read_container(data: bytes, *, prefix: bool = False) -> Container:
    """Take a file apart, checking everything that can be checked without the model.

    Args:
        data: the whole file.
        prefix: accept a file with section checksums that is cut after its header, and return the sections
            that are complete.

    Raises:
        BitstreamError: the bytes are not a `.ltp` file of a known version, are damaged, truncated, or go
            on after its end.
    """
    reader = ByteReader(data)
    header = _read_header(reader)
    sections, complete = _read_sections(reader, header.section_checksums, prefix)
    if complete and reader.remaining:
        raise BitstreamError(
            f"Expected the end of the file, found {reader.remaining} more bytes: cut them off."
        )
    strings = _strings_of(sections)
    container = Container(header, strings, sections.get(Section.ALPHA), sections.get(Section.ICC), complete)
    if complete and header.layout.has_alpha != (container.alpha is not None):
        raise BitstreamError(
            f"Expected an alpha section exactly if the layout has alpha, found layout {header.layout.name} "
            f"{'without' if container.alpha is None else 'with'} one: the file is damaged."
        )
    return container


def read_header(data: bytes) -> Header:
    """Only the header, from a file or its first `LONGEST_HEADER` bytes; the checksum is not looked at.

    Raises:
        BitstreamError: the bytes do not start with the header of a `.ltp` file of a known version.
    """
    return _read_header(ByteReader(data))


def check_size(header: Header, file_size: int, max_pixels: int | None) -> None:
    """Refuse an image too large for the caller, or for the file that claims it, before anything is
    allocated for it.

    Args:
        header: what the file claims.
        file_size: size of the file in bytes.
        max_pixels: most pixels allowed, counted in whole 64x64 blocks; None for no limit.

    Raises:
        ImageError: the image has more than `max_pixels` pixels.
        BitstreamError: a file of this size cannot hold an image of that size.
    """
    check_pixels(header.width, header.height, max_pixels)
    if header.blocks > file_size * BLOCKS_PER_BYTE:
        raise BitstreamError(
            f"Expected at least {-(-header.blocks // BLOCKS_PER_BYTE)} bytes for a "
            f"{header.width}x{header.height} image, found {file_size}: the file is damaged."
        )


def largest_file(header: Header) -> int:
    """Bytes that a file with such a header has at most: more than any coder makes of so many pixels."""
    return 2**26 + 16 * header.blocks * BLOCK_SIDE**2


def check_pixels(width: int, height: int, max_pixels: int | None) -> None:
    """Refuse a size that is too large for the caller.

    Raises:
        ImageError: it has more than `max_pixels` pixels, counted in whole 64x64 blocks.
    """
    if max_pixels is not None and blocks_of(width, height) * BLOCK_SIDE**2 > max(max_pixels, BLOCK_SIDE**2):
        raise ImageError(
            f"Expected at most {max_pixels} pixels in whole {BLOCK_SIDE}x{BLOCK_SIDE} blocks, "
            f"found {width}x{height}; raise max_pixels if you trust the file."
        )


def blocks_of(width: int, height: int) -> int:
    """Number of 64x64 blocks that an image of this size touches."""
    return -(-width // BLOCK_SIDE) * -(-height // BLOCK_SIDE)


def _check_writable(container: Container) -> None:
    header = container.header
    if header.width < 1 or header.height < 1:
        raise ConfigurationError(f"Expected a size of at least 1x1, found {header.width}x{header.height}.")
    check_maker(header.maker)
    if header.layout.has_alpha != (container.alpha is not None):
        raise ConfigurationError("Expected an alpha section exactly if the layout has alpha.")


def _assemble(container: Container, padding: int) -> bytes:
    writer = ByteWriter()
    _write_header(writer, container.header)
    _write_sections(writer, _sections_of(container, padding), container.header.section_checksums)
    return writer.getvalue()


def _sections_of(container: Container, padding: int) -> dict[int, bytes]:
    sections: dict[int, bytes] = {}
    if container.icc is not None:
        sections[Section.ICC] = container.icc
    if container.alpha is not None:
        sections[Section.ALPHA] = container.alpha
    if padding:
        sections[Section.PADDING] = bytes(padding)
    sections.update({Section.STRINGS + i: string for i, string in enumerate(container.strings)})
    return sections


def _strings_of(sections: Mapping[int, bytes]) -> tuple[bytes, ...]:
    codes = [code for code in sections if code >= Section.STRINGS]
    if codes != list(range(Section.STRINGS, Section.STRINGS + len(codes))):
        raise BitstreamError("Expected the model's strings numbered without gaps: the file is damaged.")
    return tuple(sections[code] for code in codes)


def _write_header(writer: ByteWriter, header: Header) -> None:
    writer.raw(MAGIC)
    writer.byte(VERSION)
    writer.byte(header.layout | (_FLAG_SECTION_CHECKSUMS if header.section_checksums else 0))
    writer.uint(header.width)
    writer.uint(header.height)
    write_maker(writer, header.maker)


def _read_header(reader: ByteReader) -> Header:
    _read_magic(reader)
    flags = reader.byte("the flags")
    if flags & ~_KNOWN_FLAGS:
        raise BitstreamError(
            f"Expected only flags that version 1 knows, found {flags:#04x}: the file is damaged."
        )
    width = reader.uint("the width")
    height = reader.uint("the height")
    if width < 1 or height < 1:
        raise BitstreamError(f"Expected a size of at least 1x1, found {width}x{height}: the file is damaged.")
    maker = read_maker(reader)
    layout = Layout(flags & (_FLAG_COLOUR | _FLAG_ALPHA))
    return Header(width, height, layout, *maker, bool(flags & _FLAG_SECTION_CHECKSUMS))


def _read_magic(reader: ByteReader) -> None:
    magic = reader.raw(min(len(MAGIC), reader.remaining), "the magic number")
    if magic == VIDEO_MAGIC:
        raise BitstreamError(
            "Expected a .ltp file of an image, found one of a video: decompress it as video."
        )
    if not magic:
        raise EndOfDataError("Expected a .ltp file, found an empty one: it is truncated.")
    if not MAGIC.startswith(magic):
        raise BitstreamError(f"Expected a .ltp file, found one that starts with {magic!r}.")
    if len(magic) < len(MAGIC):
        raise EndOfDataError(
            "Expected a .ltp file, found only the start of its magic number: it is truncated."
        )
    version = reader.byte("the version")
    if version != VERSION:
        raise BitstreamError(
            f"Expected version {VERSION} of the .ltp format, found version {version}; "
            "read the file with a newer LatentPress."
        )


def _write_sections(writer: ByteWriter, sections: Mapping[int, bytes], section_checksums: bool) -> None:
    writer.uint(len(sections))
    if section_checksums:
        writer.checksum()
    for code, data in sections.items():
        writer.uint(code)
        writer.uint(len(data))
        writer.raw(data)
        if section_checksums:
            writer.checksum()
    if not section_checksums:
        writer.checksum()


def _read_sections(
    reader: ByteReader, section_checksums: bool, prefix: bool
) -> tuple[dict[int, bytes], bool]:
    count = reader.uint("the number of sections")
    if section_checksums:
        reader.checksum("the header")
    sections: dict[int, bytes] = {}
    previous = 0
    for _ in range(count):
        try:
            code, data = _read_section(reader, previous)
            if section_checksums:
                reader.checksum(f"section {code}")
        except EndOfDataError:
            if prefix and section_checksums:
                return sections, False
            raise
        sections[code] = data
        previous = code
    if not section_checksums:
        reader.checksum("the file")
    if any(sections.pop(Section.PADDING, b"")):
        raise BitstreamError("Expected padding of zeros, found other bytes: the file is damaged.")
    return sections, True


def _read_section(reader: ByteReader, previous: int) -> tuple[int, bytes]:
    code = reader.uint("the code of a section")
    if code <= previous:
        raise BitstreamError(f"Expected a section after {previous}, found {code}: the file is damaged.")
    if code < Section.STRINGS and code not in (Section.ICC, Section.ALPHA, Section.PADDING):
        raise BitstreamError(f"Expected a section that version 1 knows, found {code}: the file is damaged.")
    size = reader.uint(f"the length of section {code}")
    return code, reader.raw(size, f"section {code}")
