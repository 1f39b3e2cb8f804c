"""The byte stream of QARV as published: writer and reader. Little-endian throughout.

    float32     lambda
    3 x uint16  batch, rows and columns of the coarsest grid
    uint8       number of strings
    n x uint32  length of each string
    bytes       the strings, by latent, coarse to fine, and within a latent by image

A file has the image's height and width in front, as two uint16. There is no checksum and no name of the
model: use the `.ltp` container (`latentpress.codec`) where you have the choice.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from latentpress.errors import BitstreamError, ConfigurationError

_HEAD = struct.Struct("<f3HB")
_FILE_HEAD = struct.Struct("<2H")
_MOST_STRINGS = 255
_LARGEST_SIDE = 2**16 - 1


@dataclass(frozen=True)
class QarvStream:
    """Lambda, the coarsest grid's (rows, columns), and the strings by latent, then by image."""

    lmb: float
    grid: tuple[int, int]
    strings: list[list[bytes]]


def pack_stream(stream: QarvStream) -> bytes:
    """The bytes of a stream.

    Raises:
        ConfigurationError: the batch or the image is too large for the format.
    """
    flat = [string for latent in stream.strings for string in latent]
    batch = len(stream.strings[0])
    if len(flat) > _MOST_STRINGS or max(stream.grid) > _LARGEST_SIDE:
        raise ConfigurationError(
            f"The published stream holds at most {_MOST_STRINGS} strings of grids up to {_LARGEST_SIDE}, "
            f"found {len(flat)} strings of {batch} images and a grid of {stream.grid[0]}x{stream.grid[1]}; "
            "code fewer or smaller images."
        )
    head = _HEAD.pack(stream.lmb, batch, *stream.grid, len(flat))
    return head + struct.pack(f"<{len(flat)}I", *map(len, flat)) + b"".join(flat)


def unpack_stream(data: bytes, num_latents: int) -> QarvStream:
    """A stream out of its bytes, for a model of `num_latents` latents.

    Raises:
        BitstreamError: the bytes are truncated, go on after the end, or do not add up.
    """
    if len(data) < _HEAD.size:
        raise BitstreamError(
            f"Expected at least {_HEAD.size} bytes of stream, found {len(data)}; it is truncated."
        )
    lmb, batch, rows, columns, count = _HEAD.unpack_from(data)
    if not (math.isfinite(lmb) and lmb > 0 and batch and rows and columns and count == batch * num_latents):
        raise BitstreamError(
            f"Expected a lambda, a batch, a grid and {num_latents} strings an image, found {lmb:g}, {batch}, "
            f"{rows}x{columns} and {count} strings; the stream is damaged or another model's."
        )
    start = _HEAD.size + 4 * count
    if len(data) < start:
        raise BitstreamError(f"Expected {count} lengths of strings, found fewer; the stream is truncated.")
    lengths = struct.unpack_from(f"<{count}I", data, _HEAD.size)
    if start + sum(lengths) != len(data):
        raise BitstreamError(
            f"Expected {start + sum(lengths)} bytes of stream, found {len(data)}; it is truncated or damaged."
        )
    flat = _cut(data[start:], lengths)
    return QarvStream(lmb, (rows, columns), [flat[i : i + batch] for i in range(0, count, batch)])


def pack_file(size: tuple[int, int], stream: bytes) -> bytes:
    """A file: the (height, width) of the image in pixels, then its stream."""
    if not all(0 < side <= _LARGEST_SIDE for side in size):
        raise ConfigurationError(
            f"The published file holds images of up to {_LARGEST_SIDE} pixels a side, "
            f"found {size[0]}x{size[1]}; use a .ltp file."
        )
    return _FILE_HEAD.pack(*size) + stream


def unpack_file(data: bytes) -> tuple[tuple[int, int], bytes]:
    """The (height, width) of the image and its stream."""
    if len(data) < _FILE_HEAD.size:
        raise BitstreamError(
            f"Expected at least {_FILE_HEAD.size} bytes of file, found {len(data)}; it is truncated."
        )
    height, width = _FILE_HEAD.unpack_from(data)
    return (height, width), data[_FILE_HEAD.size :]


def _cut(data: bytes, lengths: Sequence[int]) -> list[bytes]:
    pieces, start = [], 0
    for length in lengths:
        pieces.append(data[start : start + length])
        start += length
    return pieces
