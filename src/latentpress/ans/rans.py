"""The coder with the calls of CompressAI's `ans` module: one string at a time, tables given with every
call."""

import numpy as np
import numpy.typing as npt

from latentpress import _core
from latentpress.ans.arrays import Integers, as_indexes, as_int32, as_numpy, thread_count
from latentpress.ans.tables import CodingTables
from latentpress.errors import BitstreamError, ConfigurationError


class _LatestTables:
    """The tables of the previous call, kept for as long as calls bring the same numbers."""

    def __init__(self) -> None:
        self._latest: CodingTables | None = None

    def get(
        self, cdfs: Integers | CodingTables, cdf_lengths: Integers | None, offsets: Integers | None
    ) -> CodingTables:
        if isinstance(cdfs, CodingTables):
            return cdfs
        if cdf_lengths is None or offsets is None:
            raise ConfigurationError("Expected cdf_lengths and offsets beside cdfs, found None.")
        arrays = as_numpy(_rectangular(cdfs)), as_numpy(cdf_lengths), as_numpy(offsets)
        if self._latest is None or not self._latest.matches(*arrays):
            self._latest = CodingTables(*arrays)
        return self._latest


def _rectangular(cdfs: Integers) -> Integers:
    """Pad a list of rows of different lengths with zeros; leave anything else alone."""
    if not isinstance(cdfs, list | tuple) or len({len(row) for row in cdfs}) <= 1:
        return cdfs
    padded = np.zeros((len(cdfs), max(len(row) for row in cdfs)), dtype=np.int64)
    for row, cdf in zip(padded, cdfs, strict=True):
        row[: len(cdf)] = as_numpy(cdf)
    return padded


class RansEncoder:
    """Encoder of one string a call.

    Example:
        >>> from latentpress.ans import RansDecoder, RansEncoder
        >>> cdfs, lengths, offsets = [[0, 30000, 60000, 65536]], [4], [-1]
        >>> string = RansEncoder().encode_with_indexes([-1, 0, 7], [0, 0, 0], cdfs, lengths, offsets)
        >>> RansDecoder().decode_with_indexes(string, [0, 0, 0], cdfs, lengths, offsets)
        [-1, 0, 7]
    """

    def __init__(self) -> None:
        self._tables = _LatestTables()

    def encode_with_indexes(
        self,
        symbols: Integers,
        indexes: Integers,
        cdfs: Integers | CodingTables,
        cdf_lengths: Integers | None = None,
        offsets: Integers | None = None,
    ) -> bytes:
        """Return the string of all symbols.

        Args:
            symbols: (K,), 32-bit integers: lists, NumPy arrays or tensors.
            indexes: (K,), the table of each symbol.
            cdfs: cumulative frequencies (T, longest); or `CodingTables`, which saves comparing them with the
                last call's.
            cdf_lengths, offsets: (T,), as for `CodingTables`; left out where `cdfs` is one.

        Raises:
            ConfigurationError: if a table is not valid, lengths differ, or an index has no table.
        """
        tables = self._tables.get(cdfs, cdf_lengths, offsets)
        row, index_row = as_int32(symbols, 1, "symbols")[None], as_indexes(indexes, 1)[None]
        return _core.encode_symbols(tables._core, row, index_row, thread_count())[0]


class BufferedRansEncoder:
    """Encoder that takes symbols in the order of decoding, in as many calls as it likes, and codes them in
    `flush`.

    Example:
        >>> from latentpress.ans import BufferedRansEncoder, RansDecoder
        >>> tables = [[0, 30000, 60000, 65536]], [4], [-1]
        >>> encoder = BufferedRansEncoder()
        >>> encoder.encode_with_indexes([-1, 0], [0, 0], *tables)
        >>> encoder.encode_with_indexes([7], [0], *tables)
        >>> decoder = RansDecoder()
        >>> decoder.set_stream(encoder.flush())
        >>> decoder.decode_stream([0], *tables), decoder.decode_stream([0, 0], *tables)
        ([-1], [0, 7])
    """

    def __init__(self) -> None:
        self._tables = _LatestTables()
        self._core = _core.BufferedEncoder()

    def encode_with_indexes(
        self,
        symbols: Integers,
        indexes: Integers,
        cdfs: Integers | CodingTables,
        cdf_lengths: Integers | None = None,
        offsets: Integers | None = None,
    ) -> None:
        """Queue symbols; arguments and errors are those of `RansEncoder.encode_with_indexes`."""
        tables = self._tables.get(cdfs, cdf_lengths, offsets)
        self._core.push(tables._core, as_int32(symbols, 1, "symbols"), as_int32(indexes, 1, "indexes"))

    def flush(self) -> bytes:
        """Return the string of everything queued, and start anew."""
        return self._core.flush()


class RansDecoder:
    """Decoder of strings, whole or piece by piece.

    Lists of indexes give lists of symbols; arrays and tensors give NumPy arrays.

    Example:
        >>> from latentpress.ans import RansDecoder, RansEncoder
        >>> tables = [[0, 30000, 60000, 65536]], [4], [-1]
        >>> decoder = RansDecoder()
        >>> decoder.set_stream(RansEncoder().encode_with_indexes([0, -1, 7], [0, 0, 0], *tables))
        >>> decoder.decode_stream([0, 0], *tables), decoder.decode_stream([0], *tables)
        ([0, -1], [7])
    """

    def __init__(self) -> None:
        self._tables = _LatestTables()
        self._stream: _core.StreamDecoder | None = None

    def decode_with_indexes(
        self,
        encoded: bytes,
        indexes: Integers,
        cdfs: Integers | CodingTables,
        cdf_lengths: Integers | None = None,
        offsets: Integers | None = None,
    ) -> list[int] | npt.NDArray[np.int32]:
        """Return the first symbols of a string, one for each index.

        Raises:
            BitstreamError: if the string ends too early, or is otherwise found to be damaged.
            ConfigurationError: if a table is not valid, or an index has no table.
        """
        tables = self._tables.get(cdfs, cdf_lengths, offsets)
        return _decode(_core.StreamDecoder(_checked_string(encoded)), indexes, tables)

    def set_stream(self, encoded: bytes) -> None:
        """Start reading a string with `decode_stream`.

        Raises:
            BitstreamError: if it is too short to be a string.
        """
        self._stream = _core.StreamDecoder(_checked_string(encoded))

    def decode_stream(
        self,
        indexes: Integers,
        cdfs: Integers | CodingTables,
        cdf_lengths: Integers | None = None,
        offsets: Integers | None = None,
    ) -> list[int] | npt.NDArray[np.int32]:
        """Return the next symbols of the string given to `set_stream`, one for each index.

        Raises:
            BitstreamError: if the string ends too early, or is otherwise found to be damaged.
            ConfigurationError: if no string was set, a table is not valid, or an index has no table.
        """
        return _decode(self._current(), indexes, self._tables.get(cdfs, cdf_lengths, offsets))

    def check_end(self) -> None:
        """Check that the string given to `set_stream` has no more symbols, which tells of most damage.

        Raises:
            BitstreamError: if it goes on, or its end is not the one that an encoder leaves.
            ConfigurationError: if no string was set.
        """
        self._current().check_end()

    def _current(self) -> _core.StreamDecoder:
        if self._stream is None:
            raise ConfigurationError("Expected a string to decode: call set_stream() first.")
        return self._stream


def _decode(
    stream: _core.StreamDecoder, indexes: Integers, tables: CodingTables
) -> list[int] | npt.NDArray[np.int32]:
    row = as_int32(indexes, 1, "indexes")
    symbols = np.empty(row.shape, dtype=np.int32)
    stream.decode(tables._core, row, symbols)
    if isinstance(indexes, list | tuple):
        return [int(symbol) for symbol in symbols]
    return symbols


def _checked_string(encoded: bytes) -> bytes:
    if not isinstance(encoded, bytes | bytearray | memoryview):
        raise BitstreamError(f"Expected the bytes of a coded string, found {type(encoded).__name__}.")
    return bytes(encoded)
