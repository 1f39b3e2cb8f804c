"""Integer probability tables: made from probabilities, checked once, used for coding."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from latentpress import _core
from latentpress.ans.arrays import Integers, as_indexes, as_int32, thread_count
from latentpress.errors import ConfigurationError


class CodingTables:
    """Integer tables, checked and indexed once, and the coding of batches with them.

    Table i has cumulative frequencies `cdfs[i, :cdf_lengths[i]]`, which rise strictly from 0 to 2^16. Its
    slots stand for the symbols `offsets[i]`, `offsets[i] + 1`, ...; the last slot announces any other 32-bit
    integer, written out after it.

    Strings do not depend on the number of threads, nor on what else is in the batch.

    Args:
        cdfs: cumulative frequencies, (T, longest), int32.
        cdf_lengths: how many entries of each row are in use, at least 2, (T,).
        offsets: symbol of the first slot of each table, within ±2^20, (T,).

    Raises:
        ConfigurationError: unless every table is valid.

    Example:
        >>> import numpy as np
        >>> from latentpress.ans import CodingTables
        >>> tables = CodingTables([[0, 30000, 60000, 65536]], cdf_lengths=[4], offsets=[-1])
        >>> symbols = np.array([[-1, 0, 0, -1, 1000]], dtype=np.int32)
        >>> indexes = np.zeros_like(symbols)
        >>> strings = tables.encode(symbols, indexes)
        >>> tables.decode(strings, indexes)
        array([[  -1,    0,    0,   -1, 1000]], dtype=int32)
    """

    def __init__(self, cdfs: Integers, cdf_lengths: Integers, offsets: Integers) -> None:
        self._core = _core.CodingTables(*_as_arrays(cdfs, cdf_lengths, offsets))

    def __len__(self) -> int:
        """Number of tables."""
        return len(self._core)

    @property
    def core(self) -> _core.CodingTables:
        """The compiled tables, for compiled code that codes symbols as it finds them."""
        return self._core

    def matches(self, cdfs: Integers, cdf_lengths: Integers, offsets: Integers) -> bool:
        """Return whether these tables were made from the same numbers."""
        return self._core.matches(*_as_arrays(cdfs, cdf_lengths, offsets))

    def encode(self, symbols: Integers, indexes: Integers) -> list[bytes]:
        """Code each row of `symbols` into a string.

        Args:
            symbols: (N, K), 32-bit integers; rows are coded in parallel.
            indexes: (N, K), the table of each symbol, from 0 to T - 1; int32, uint8 and int8 are used as they
                are.

        Raises:
            ConfigurationError: if shapes differ or an index has no table.
        """
        return _core.encode_symbols(
            self._core, as_int32(symbols, 2, "symbols"), as_indexes(indexes, 2), thread_count()
        )

    def decode(self, strings: Sequence[bytes], indexes: Integers) -> npt.NDArray[np.int32]:
        """Return the symbols (N, K) that N strings were made from.

        Args:
            strings: one string a row, as `encode` returned them.
            indexes: (N, K), those given to `encode`.

        Raises:
            BitstreamError: if a string is truncated, has bytes left over, or is otherwise found to be
                damaged.
            ConfigurationError: if the number of strings is not N or an index has no table.
        """
        rows = as_indexes(indexes, 2)
        symbols = np.empty(rows.shape, dtype=np.int32)
        _core.decode_symbols(self._core, list(strings), rows, symbols, thread_count())
        return symbols

    def encode_rounded(self, values: Tensor, indexes: Tensor, means: Tensor | None = None) -> list[bytes]:
        """Code `round(values - means)` (half to even), row by row, as `encode` codes integers.

        Args:
            values: (N, K), float32, contiguous, on the CPU.
            indexes: (N, K), the table of each element; int32, uint8 or int8.
            means: (N, K), float32, contiguous, on the CPU; 0 if None.

        Raises:
            ConfigurationError: if shapes differ, an index has no table, or a value is NaN or beyond 32 bits.
        """
        return _core.encode_floats(self._core, values, as_indexes(indexes, 2), means, thread_count())

    def decode_rounded(
        self, strings: Sequence[bytes], indexes: Tensor, means: Tensor | None = None
    ) -> Tensor:
        """Return the rounded values, symbols plus means, (N, K) float32, of N strings made by
        `encode_rounded`.

        Raises:
            BitstreamError, ConfigurationError: as `decode`.
        """
        values = torch.empty(indexes.shape, dtype=torch.float32, device="cpu")
        _core.decode_floats(self._core, list(strings), as_indexes(indexes, 2), means, values, thread_count())
        return values

    def encode_channels(self, values: Tensor, means: Tensor) -> list[bytes]:
        """Code `round(values - means)` where channel c has table c and mean c.

        Args:
            values: (N, T, K), float32, contiguous, on the CPU.
            means: (T,), float32, on the CPU.

        Raises:
            ConfigurationError: if shapes do not fit the tables, or a value is NaN or beyond 32 bits.
        """
        return _core.encode_channels(self._core, values, means, thread_count())

    def decode_channels(self, strings: Sequence[bytes], positions: int, means: Tensor) -> Tensor:
        """Return the rounded values (N, T, positions), float32, of N strings made by `encode_channels`.

        Raises:
            BitstreamError, ConfigurationError: as `decode`.
        """
        values = torch.empty(len(strings), len(self), positions, dtype=torch.float32, device="cpu")
        _core.decode_channels(self._core, list(strings), means, values, thread_count())
        return values


def _as_arrays(*table: Integers) -> list[npt.NDArray[np.int32]]:
    """Return cumulative frequencies, lengths and offsets as contiguous arrays."""
    names = ("cumulative frequencies", 2), ("table lengths", 1), ("offsets", 1)
    return [as_int32(values, ndim, name) for values, (name, ndim) in zip(table, names, strict=True)]


def pmf_to_quantized_cdf(
    pmf: Sequence[float] | npt.NDArray[np.floating] | Tensor, precision: int = 16
) -> list[int]:
    """Turn probabilities into cumulative frequencies in units of 2^-precision.

    Frequencies are proportional to the probabilities, which need not sum to 1, except that none is 0: a slot
        that rounds
    to nothing takes one unit from the narrowest slot that can spare it.

    Args:
        pmf: probabilities of K slots, computed with in float32.
        precision: bits of the result, 1 to 16.

    Returns:
        K + 1 increasing integers from 0 to 2^precision.

    Raises:
        ConfigurationError: for negative, infinite or NaN probabilities, for all zeros, or for more slots than
            units.

    Example:
        >>> from latentpress.ans import pmf_to_quantized_cdf
        >>> pmf_to_quantized_cdf([0.5, 0.25, 0.25, 0.0])
        [0, 32768, 49151, 65535, 65536]
    """
    array = pmf.detach().cpu().numpy() if isinstance(pmf, Tensor) else np.asarray(pmf, dtype=np.float64)
    if array.ndim != 1:
        raise ConfigurationError(f"Expected a list of probabilities, found {array.ndim} dimensions.")
    return _core.quantized_cdf(np.ascontiguousarray(array, dtype=np.float32), precision)
