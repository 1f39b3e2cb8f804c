"""Lossless coding of an alpha plane: a two-dimensional prediction, then general-purpose packing.

A constant plane is its value in one byte. Any other plane is one filter byte and the packed residuals. The
filters are those that undo themselves as running sums modulo 256, so that decoding needs no loop over pixels.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from latentpress.codec.packing import pack, unpack
from latentpress.errors import BitstreamError

Plane = npt.NDArray[np.uint8]

# Filter -> axes along which the differences are taken: none, along rows, down columns, both (the gradient
# predictor).
_FILTER_AXES: tuple[tuple[int, ...], ...] = ((), (1,), (0,), (0, 1))


def encode_alpha(plane: Plane) -> bytes:
    """The bytes for an alpha plane `(H, W)` of uint8.

    Example:
        >>> plane = np.full((480, 640), 255, np.uint8)
        >>> encode_alpha(plane)
        b'\\xff'
        >>> bool((decode_alpha(b"\\xff", 480, 640) == plane).all())
        True
    """
    first = int(plane[0, 0])
    if bool((plane == first).all()):
        return bytes([first])
    residuals = [_apply(_difference, plane, axes).tobytes() for axes in _FILTER_AXES]
    # A quick compression tells the best filter nearly always, in a fraction of a thorough one's time.
    code = min(range(len(residuals)), key=lambda code: len(zlib.compress(residuals[code], 1)))
    return bytes([code]) + pack(residuals[code])


def decode_alpha(data: bytes, height: int, width: int) -> Plane:
    """The alpha plane `(height, width)`.

    Raises:
        BitstreamError: the bytes are not an alpha plane of this size.
    """
    if len(data) == 1:
        return np.full((height, width), data[0], np.uint8)
    if not data or data[0] >= len(_FILTER_AXES):
        raise BitstreamError(
            "Expected an alpha plane with a known filter, found another: the file is damaged."
        )
    residuals = unpack(data[1:], height * width)
    if len(residuals) != height * width:
        raise BitstreamError(
            f"Expected {height * width} alpha values, found {len(residuals)}: the file is damaged."
        )
    return _apply(
        _running_sum, np.frombuffer(residuals, np.uint8).reshape(height, width), _FILTER_AXES[data[0]]
    )


def _apply(operation: Callable[[Plane, int], Plane], plane: Plane, axes: tuple[int, ...]) -> Plane:
    for axis in axes:
        plane = operation(plane, axis)
    return plane


def _difference(plane: Plane, axis: int) -> Plane:
    return np.diff(plane, axis=axis, prepend=np.uint8(0))


def _running_sum(plane: Plane, axis: int) -> Plane:
    return np.cumsum(plane, axis=axis, dtype=np.uint8)
