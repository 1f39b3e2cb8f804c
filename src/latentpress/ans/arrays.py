"""Lists, NumPy arrays and tensors as the contiguous arrays that the compiled core takes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from latentpress.errors import ConfigurationError

Integers = Sequence[Any] | npt.NDArray[np.integer[Any]] | Tensor

_INDEX_TYPES = (np.int32, np.uint8, np.int8)


def as_numpy(values: Integers) -> npt.NDArray[Any]:
    """Return the integers as an array, without a copy where they are one already (or a CPU tensor)."""
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.size == 0 and array.dtype.kind == "f":  # an empty list has no dtype of its own
        return array.astype(np.int32)
    if array.dtype.kind not in "iu":
        raise ConfigurationError(f"Expected integers, found {array.dtype}.")
    return array


def as_int32(values: Integers, dimensions: int, what: str) -> npt.NDArray[np.int32]:
    """Return a contiguous int32 array, a view of `values` where possible.

    Raises:
        ConfigurationError: for numbers that are not integers or beyond 32 bits, or another number of
            dimensions.
    """
    array = as_numpy(values)
    if array.ndim != dimensions:
        raise ConfigurationError(f"Expected {what} with {dimensions} dimension(s), found {array.ndim}.")
    if array.dtype.itemsize > 4 or array.dtype == np.uint32:
        limits = np.iinfo(np.int32)
        if array.size and (array.min() < limits.min or array.max() > limits.max):
            raise ConfigurationError(f"Expected {what} of 32 bits, found numbers beyond that.")
    return np.ascontiguousarray(array, dtype=np.int32)


def as_indexes(values: Integers, dimensions: int) -> npt.NDArray[Any]:
    """Return table indexes as a contiguous array of int32, uint8 or int8, whichever they are in."""
    array = as_numpy(values)
    if array.dtype not in _INDEX_TYPES or array.ndim != dimensions:
        return as_int32(values, dimensions, "indexes")
    return np.ascontiguousarray(array)


def thread_count() -> int:
    """Return how many threads may code the elements of a batch: as many as torch computes with."""
    return torch.get_num_threads()
