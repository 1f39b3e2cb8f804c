"""Lossless packing of small side data (alpha planes, ICC profiles): whichever of three ways is shortest.

A packed string is one method byte and then the data: 0 as it is, 1 raw DEFLATE, 2 raw LZMA2.
"""

from __future__ import annotations

import lzma
import zlib

from latentpress.errors import BitstreamError, ConfigurationError

LARGEST_ICC = 2**24
_STORED, _DEFLATE, _LZMA = 0, 1, 2
# A 4 MiB dictionary bounds what a decoder allocates; preset 9's other settings only matter to the encoder.
_LZMA_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": 2**22}]


def pack(data: bytes) -> bytes:
    """The shortest packed form of `data`.

    Example:
        >>> packed = pack(bytes(1000))
        >>> len(packed) < 20, unpack(packed, 1000) == bytes(1000)
        (True, True)
    """
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    candidates = [
        bytes([_STORED]) + data,
        bytes([_DEFLATE]) + deflate.compress(data) + deflate.flush(),
        bytes([_LZMA]) + lzma.compress(data, lzma.FORMAT_RAW, filters=_LZMA_FILTERS),
    ]
    return min(candidates, key=len)


def unpack(packed: bytes, max_size: int) -> bytes:
    """What was packed; never more than `max_size` bytes, and no more memory than that takes.

    Raises:
        BitstreamError: the data are malformed, truncated, followed by something else, or longer than
            `max_size`.
    """
    method, body = packed[:1], packed[1:]
    if method == bytes([_STORED]):
        data, finished = body, True
    elif method == bytes([_DEFLATE]):
        data, finished = _inflate(body, max_size)
    elif method == bytes([_LZMA]):
        data, finished = _unlzma(body, max_size)
    else:
        raise BitstreamError(f"Expected packing method 0, 1 or 2, found {method!r}: the file is damaged.")
    if len(data) > max_size or not finished:
        raise BitstreamError(
            f"Expected at most {max_size} packed bytes with nothing after them, found more or a cut end; "
            "the file is damaged."
        )
    return data


def pack_icc(profile: bytes) -> bytes:
    """An ICC profile as it is in files.

    Raises:
        ConfigurationError: it is longer than files may hold.
    """
    if len(profile) > LARGEST_ICC:
        raise ConfigurationError(
            f"Expected an ICC profile of at most {LARGEST_ICC} bytes, found one of {len(profile)}: drop it."
        )
    return pack(profile)


def unpack_icc(packed: bytes) -> bytes:
    """The ICC profile in a file.

    Raises:
        BitstreamError: it is damaged, or longer than files may hold.
    """
    return unpack(packed, LARGEST_ICC)


def _inflate(body: bytes, max_size: int) -> tuple[bytes, bool]:
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = decoder.decompress(body, max_size + 1)
    except zlib.error as error:
        raise BitstreamError(f"Expected DEFLATE data, found a malformed stream ({error}).") from error
    return data, decoder.eof and not decoder.unused_data


def _unlzma(body: bytes, max_size: int) -> tuple[bytes, bool]:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA_FILTERS)
    try:
        data = decoder.decompress(body, max_size + 1)
    except lzma.LZMAError as error:
        raise BitstreamError(f"Expected LZMA2 data, found a malformed stream ({error}).") from error
    return data, decoder.eof and not decoder.unused_data
