"""The rANS coder: exact strings, exact round trips, and every way in gives the same bytes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latentpress.ans import BufferedRansEncoder, CodingTables, RansDecoder, RansEncoder
from latentpress.errors import BitstreamError, ConfigurationError

REFERENCES = ("small", "wide", "huge_values", "two")
INT32 = np.iinfo(np.int32)


@pytest.fixture(scope="module")
def recorded(interop):
    return np.load(interop / "rans.npz")


def _tables(recorded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return recorded["cdfs"], recorded["cdf_lengths"], recorded["offsets"]


@pytest.mark.parametrize("name", REFERENCES)
def test_strings_are_those_of_the_reference_byte_for_byte(recorded, name: str) -> None:
    symbols, indexes = recorded[f"{name}.symbols"], recorded[f"{name}.indexes"]
    string = recorded[f"{name}.string"].tobytes()
    assert RansEncoder().encode_with_indexes(symbols, indexes, *_tables(recorded)) == string
    assert CodingTables(*_tables(recorded)).encode(symbols[None], indexes[None]) == [string]


@pytest.mark.parametrize("name", REFERENCES)
def test_strings_of_the_reference_decode_to_its_symbols(recorded, name: str) -> None:
    symbols, indexes = recorded[f"{name}.symbols"], recorded[f"{name}.indexes"]
    string = recorded[f"{name}.string"].tobytes()
    decoded = RansDecoder().decode_with_indexes(string, indexes.tolist(), *_tables(recorded))
    assert decoded == symbols.tolist()
    assert np.array_equal(CodingTables(*_tables(recorded)).decode([string], indexes[None])[0], symbols)


@pytest.mark.parametrize("name", REFERENCES)
def test_a_buffered_encoder_makes_the_same_string_in_pieces(recorded, name: str) -> None:
    symbols, indexes = recorded[f"{name}.symbols"], recorded[f"{name}.indexes"]
    encoder = BufferedRansEncoder()
    for piece in np.array_split(np.arange(len(symbols)), 7):
        encoder.encode_with_indexes(symbols[piece], indexes[piece], *_tables(recorded))
    string = encoder.flush()
    assert string == recorded[f"{name}.string"].tobytes()
    decoder = RansDecoder()
    decoder.set_stream(string)
    for piece in np.array_split(np.arange(len(symbols)), 5):
        assert np.array_equal(decoder.decode_stream(indexes[piece], *_tables(recorded)), symbols[piece])


def test_a_flushed_encoder_starts_anew(rows) -> None:
    encoder = BufferedRansEncoder()
    encoder.encode_with_indexes([3, 4], [0, 1], *rows)
    first = encoder.flush()
    encoder.encode_with_indexes([3, 4], [0, 1], *rows)
    assert encoder.flush() == first
    assert RansDecoder().decode_with_indexes(encoder.flush(), [], *rows) == []


def test_lists_arrays_tensors_and_prepared_tables_give_the_same_string(rows, tables) -> None:
    rng = np.random.default_rng(2)
    symbols, indexes = rng.integers(-400, 400, 500), rng.integers(0, len(tables), 500)
    encoder = RansEncoder()
    expected = encoder.encode_with_indexes(symbols, indexes, *rows)
    as_lists = [array.tolist() for array in (symbols, indexes, *rows)]
    as_tensors = [torch.from_numpy(array) for array in (symbols, indexes, *rows)]
    assert encoder.encode_with_indexes(*as_lists) == expected
    assert encoder.encode_with_indexes(*as_tensors) == expected
    assert encoder.encode_with_indexes(symbols, indexes, tables) == expected
    assert encoder.encode_with_indexes(symbols, indexes.astype(np.uint8), tables) == expected
    assert encoder.encode_with_indexes(symbols[::-1][::-1], indexes.astype(np.int8), tables) == expected


def test_lists_of_rows_of_different_lengths_are_tables_too() -> None:
    cdfs, lengths, offsets = [[0, 65536], [0, 10, 65536]], [2, 3], [0, 5]
    string = RansEncoder().encode_with_indexes([7, 5], [0, 1], cdfs, lengths, offsets)
    assert RansDecoder().decode_with_indexes(string, [0, 1], cdfs, lengths, offsets) == [7, 5]


def test_an_encoder_notices_that_tables_changed_in_place(rows) -> None:
    cdfs, lengths, offsets = (array.copy() for array in rows)
    encoder = RansEncoder()
    before = encoder.encode_with_indexes([0] * 50, [5] * 50, cdfs, lengths, offsets)
    offsets[5] += 1
    after = encoder.encode_with_indexes([0] * 50, [5] * 50, cdfs, lengths, offsets)
    assert after == RansEncoder().encode_with_indexes([0] * 50, [5] * 50, cdfs, lengths, offsets)
    assert after != before


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_symbols_round_trip(tables, data) -> None:
    size = data.draw(st.integers(0, 40))
    near, far = st.integers(-500, 500), st.integers(INT32.min, INT32.max)
    symbols = data.draw(st.lists(st.one_of(near, far), min_size=size, max_size=size))
    indexes = data.draw(st.lists(st.integers(0, len(tables) - 1), min_size=size, max_size=size))
    row, index_row = np.array([symbols], dtype=np.int32), np.array([indexes], dtype=np.int32)
    assert np.array_equal(tables.decode(tables.encode(row, index_row), index_row), row)


@pytest.mark.parametrize("symbol", [INT32.min, -1, 0, 1, 15, 16, INT32.max])
def test_a_single_symbol_round_trips(symbol: int) -> None:
    tables = CodingTables([[0, 30000, 60000, 65536]], [4], [0])
    string = RansEncoder().encode_with_indexes([symbol], [0], tables)
    assert RansDecoder().decode_with_indexes(string, [0], tables) == [symbol]


def test_no_symbols_round_trip(tables) -> None:
    nothing = np.zeros((3, 0), dtype=np.int32)
    strings = tables.encode(nothing, nothing)
    assert [len(string) for string in strings] == [8, 8, 8]
    assert tables.decode(strings, nothing).shape == (3, 0)
    assert (
        RansDecoder().decode_with_indexes(RansEncoder().encode_with_indexes([], [], tables), [], tables) == []
    )


def test_an_empty_batch_gives_no_strings(tables) -> None:
    nothing = np.zeros((0, 5), dtype=np.int32)
    assert tables.encode(nothing, nothing) == []
    assert tables.decode([], nothing).shape == (0, 5)


def test_strings_do_not_depend_on_threads_or_on_the_batch(tables) -> None:
    rng = np.random.default_rng(3)
    symbols = rng.integers(-300, 300, (9, 2000), dtype=np.int32)
    indexes = rng.integers(0, len(tables), (9, 2000), dtype=np.int32)
    alone = [tables.encode(symbols[i : i + 1], indexes[i : i + 1])[0] for i in range(9)]
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            strings = tables.encode(symbols, indexes)
            assert strings == alone
            assert np.array_equal(tables.decode(strings, indexes), symbols)
    finally:
        torch.set_num_threads(threads)


def test_the_cost_of_a_string_is_the_information_of_its_symbols(tables, rows) -> None:
    cdfs, lengths, offsets = rows
    rng = np.random.default_rng(4)
    table = int(np.argmax(lengths))
    cdf = cdfs[table, : lengths[table]]
    slots = np.searchsorted(cdf, rng.integers(0, 65536, 20_000), side="right") - 1
    slots = slots[slots < lengths[table] - 2]  # leave the escape slot out
    bits = -np.log2((cdf[slots + 1] - cdf[slots]) / 65536).sum()
    string = tables.encode((slots + offsets[table])[None], np.full((1, len(slots)), table))[0]
    assert bits / 8 <= len(string) <= bits / 8 * 1.001 + 12


def test_a_stream_tells_whether_it_was_read_to_its_end(tables) -> None:
    indexes = np.arange(20, dtype=np.int32) % len(tables)
    decoder = RansDecoder()
    decoder.set_stream(RansEncoder().encode_with_indexes(np.arange(20), indexes, tables))
    decoder.decode_stream(indexes[:-1], tables)
    with pytest.raises(BitstreamError, match="does not end"):
        decoder.check_end()
    decoder.decode_stream(indexes[-1:], tables)
    decoder.check_end()


def test_decoding_before_a_stream_is_set_is_refused(tables) -> None:
    with pytest.raises(ConfigurationError, match="set_stream"):
        RansDecoder().decode_stream([0], tables)
