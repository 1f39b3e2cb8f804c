"""The primitives of the container format, each writer beside its reader; what they are used for is in
`container.py`."""

from __future__ import annotations

import string
import struct
import zlib

from latentpress.errors import BitstreamError, ConfigurationError

LARGEST_INTEGER = 2**63 - 1
LONGEST_TEXT = 255
_PRINTABLE = frozenset(range(0x20, 0x7F))
_NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_.-")


class EndOfDataError(BitstreamError):
    """The bytes end before the thing being read does."""


class ByteWriter:
    """Grows a byte string field by field; `ByteReader` has a method of the same name for each of these."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._crc = 0

    def raw(self, value: bytes) -> None:
        """Bytes as they are; a reader has to know how many."""
        self._data += value
        self._crc = zlib.crc32(value, self._crc)

    def byte(self, value: int) -> None:
        """An integer from 0 to 255 in one byte."""
        self.raw(bytes([value]))

    def uint(self, value: int) -> None:
        """An integer from 0 to 2^63 - 1 in LEB128: seven bits a byte, low ones first, high bit set on all
        but the last."""
        if not 0 <= value <= LARGEST_INTEGER:
            raise ConfigurationError(f"Expected an integer from 0 to 2^63 - 1 for the file, found {value}.")
        encoded = bytearray()
        while value > 0x7F:
            encoded.append(value & 0x7F | 0x80)
            value >>= 7
        encoded.append(value)
        self.raw(bytes(encoded))

    def float64(self, value: float) -> None:
        """An IEEE 754 binary64, little-endian."""
        self.raw(struct.pack("<d", value))

    def text(self, value: str) -> None:
        """Up to 255 printable ASCII characters: a LEB128 length, then the characters."""
        data = value.encode("utf-8")
        if len(data) > LONGEST_TEXT or not _PRINTABLE.issuperset(data):
            raise ConfigurationError(
                f"Expected at most {LONGEST_TEXT} printable ASCII characters for the file, found {value!r}."
            )
        self.uint(len(data))
        self.raw(data)

    def name(self, value: str) -> None:
        """A text of 1 to 255 letters, digits, `_`, `.` and `-`."""
        if not value or not _NAME_CHARACTERS.issuperset(value):
            raise ConfigurationError(
                f"Expected a name of letters, digits, '_', '.' and '-' for the file, found {value!r}."
            )
        self.text(value)

    def checksum(self) -> None:
        """CRC-32 of every byte so far that is not itself part of a checksum, in four bytes, little-endian."""
        self._data += struct.pack("<I", self._crc)

    def __len__(self) -> int:
        return len(self._data)

    def getvalue(self) -> bytes:
        """Everything written so far."""
        return bytes(self._data)


class ByteReader:
    """Takes a byte string apart field by field; `what` names the field in the message if it cannot be read.

    Every method raises `EndOfDataError` where the bytes end too early and `BitstreamError` where the field
    is malformed. Nothing is allocated beyond what the bytes really hold.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._position = 0
        self._crc = 0

    @property
    def remaining(self) -> int:
        """Number of bytes not read yet."""
        return len(self._data) - self._position

    def raw(self, size: int, what: str) -> bytes:
        """The next `size` bytes."""
        value = self._take(size, what)
        self._crc = zlib.crc32(value, self._crc)
        return value

    def byte(self, what: str) -> int:
        """An integer from 0 to 255."""
        return self.raw(1, what)[0]

    def uint(self, what: str) -> int:
        """A LEB128 integer from 0 to 2^63 - 1, in the fewest bytes possible."""
        value = 0
        for shift in range(0, 63, 7):
            byte = self.byte(what)
            value |= (byte & 0x7F) << shift
            if byte <= 0x7F:
                if byte == 0 and shift > 0:
                    break
                return value
        raise BitstreamError(
            f"Expected a LEB128 integer below 2^63 for {what}, found a malformed one: the file is damaged."
        )

    def float64(self, what: str) -> float:
        """An IEEE 754 binary64."""
        return float(struct.unpack("<d", self.raw(8, what))[0])

    def text(self, what: str) -> str:
        """Up to 255 printable ASCII characters."""
        size = self.uint(f"the length of {what}")
        if size > LONGEST_TEXT:
            raise BitstreamError(
                f"Expected at most {LONGEST_TEXT} characters for {what}, found {size}: the file is damaged."
            )
        data = self.raw(size, what)
        if not _PRINTABLE.issuperset(data):
            raise BitstreamError(f"Expected printable ASCII for {what}, found {data!r}: the file is damaged.")
        return data.decode("ascii")

    def name(self, what: str) -> str:
        """A text of 1 to 255 letters, digits, `_`, `.` and `-`."""
        value = self.text(what)
        if not value or not _NAME_CHARACTERS.issuperset(value):
            raise BitstreamError(
                f"Expected letters, digits, '_', '.' and '-' for {what}, found {value!r}: "
                "the file is damaged."
            )
        return value

    def checksum(self, what: str) -> None:
        """Check the CRC-32 of every byte so far that is not itself part of a checksum."""
        found = int.from_bytes(self._take(4, f"the checksum of {what}"), "little")
        if found != self._crc:
            raise BitstreamError(
                f"Expected checksum {self._crc:08x} for {what}, found {found:08x}: the file is damaged."
            )

    def _take(self, size: int, what: str) -> bytes:
        if size > self.remaining:
            raise EndOfDataError(
                f"Expected {size} more bytes for {what}, found {self.remaining}: the file is truncated."
            )
        start = self._position
        self._position += size
        return bytes(self._data[start : self._position])
