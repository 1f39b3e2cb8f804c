"""Strings from strangers: truncated, damaged or made up, they give an error or symbols and nothing else."""

import numpy as np
import pytest

from latentpress.ans import CodingTables, RansDecoder
from latentpress.errors import BitstreamError, ConfigurationError


@pytest.fixture(scope="module")
def coded(tables):
    rng = np.random.default_rng(5)
    indexes = rng.integers(0, len(tables), (1, 400), dtype=np.int32)
    symbols = rng.integers(-100, 100, (1, 400), dtype=np.int32)
    symbols[0, ::50] = rng.integers(-(2**31), 2**31 - 1, 8)
    return tables.encode(symbols, indexes)[0], indexes, symbols


def test_a_string_cut_anywhere_is_refused(tables, coded) -> None:
    string, indexes, _ = coded
    for size in range(len(string)):
        with pytest.raises(BitstreamError):
            tables.decode([string[:size]], indexes)


def test_a_string_with_bytes_left_over_is_refused(tables, coded) -> None:
    string, indexes, _ = coded
    for extra in (b"\0", b"\0\0\0\0", string):
        with pytest.raises(BitstreamError, match="does not end"):
            tables.decode([string + extra], indexes)


def test_a_flipped_bit_is_mostly_noticed_and_otherwise_gives_symbols(tables, coded) -> None:
    string, indexes, _ = coded
    noticed = 0
    for bit in range(0, 8 * len(string), 3):
        damaged = bytearray(string)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            assert tables.decode([bytes(damaged)], indexes).shape == indexes.shape
        except BitstreamError:
            noticed += 1
    # The state at the end gives damage away, except where it only touched digits of a raw value.
    assert noticed > 8 * len(string) / 3 / 2


def test_random_bytes_are_refused(tables, coded) -> None:
    _, indexes, _ = coded
    rng = np.random.default_rng(6)
    for size in range(0, 200):
        with pytest.raises(BitstreamError):
            tables.decode([rng.bytes(size)], indexes)


@pytest.mark.parametrize("state", [0, 2**31 - 1, 2**63, 2**64 - 1])
def test_a_state_that_no_encoder_leaves_is_refused(state: int) -> None:
    with pytest.raises(BitstreamError, match="no encoder"):
        RansDecoder().set_stream(state.to_bytes(8, "little") + b"\0" * 64)


def test_an_absurd_count_of_nibbles_is_refused() -> None:
    """A string of ones: behind the escape slot it announces raw values of fifteen nibbles and more, for
    ever."""
    tables = CodingTables([[0, 65536]], [2], [0])
    string = (2**63 - 1).to_bytes(8, "little") + b"\xff" * 4000
    with pytest.raises(BitstreamError, match="no encoder"):
        RansDecoder().decode_with_indexes(string, [0], tables)


def test_a_raw_value_beyond_32_bits_is_refused() -> None:
    tables = CodingTables([[0, 65536]], [2], [0])
    nibbles = [9] + [15] * 9  # a count, and a value of 36 bits
    state = 1 << 40
    for nibble in reversed(nibbles[:5]):
        state = state << 4 | nibble
    string = (state & (2**63 - 1)).to_bytes(8, "little") + b"\xff" * 64
    with pytest.raises(BitstreamError):
        RansDecoder().decode_with_indexes(string, [0], tables)


def test_a_piecewise_decoder_stops_at_the_end_of_its_string(tables, coded) -> None:
    string, indexes, symbols = coded
    decoder = RansDecoder()
    decoder.set_stream(string)
    assert np.array_equal(decoder.decode_stream(indexes[0], tables), symbols[0])
    with pytest.raises(BitstreamError, match="truncated"):
        decoder.decode_stream(np.zeros(100_000, dtype=np.int32), tables)


def test_a_failed_call_leaves_a_piecewise_decoder_where_it_was(tables, coded) -> None:
    string, indexes, symbols = coded
    decoder = RansDecoder()
    decoder.set_stream(string)
    with pytest.raises(ConfigurationError):
        decoder.decode_stream([*indexes[0, :5].tolist(), len(tables)], tables)
    assert np.array_equal(decoder.decode_stream(indexes[0], tables), symbols[0])


@pytest.mark.parametrize("strings", [[], [b"\0" * 8] * 2, ["text"], [None], [b""]])
def test_what_is_no_list_of_strings_is_refused(tables, strings) -> None:
    with pytest.raises((ConfigurationError, BitstreamError)):
        tables.decode(strings, np.zeros((1, 4), dtype=np.int32))


def test_what_is_no_string_is_refused() -> None:
    with pytest.raises(BitstreamError, match="found str"):
        RansDecoder().set_stream("text")
