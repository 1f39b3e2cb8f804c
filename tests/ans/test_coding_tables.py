"""Integer tables: exact construction, and refusal of everything that is not a table."""

import numpy as np
import pytest
import torch

from latentpress.ans import CodingTables, RansEncoder, pmf_to_quantized_cdf
from latentpress.errors import ConfigurationError


def _by_the_book(pmf: np.ndarray) -> list[int]:
    """The definition of the integer tables, step by step and slowly."""
    scaled = pmf.astype(np.float32) * np.float32(65536)
    widths = [int(np.floor(value + 0.5)) for value in scaled.astype(np.float64)]
    total = sum(widths)
    cdf = [0]
    for width in widths:
        cdf.append(cdf[-1] + 65536 * width // total)
    cdf[-1] = 65536
    for slot in range(len(widths)):
        if cdf[slot] != cdf[slot + 1]:
            continue
        spare = [(cdf[i + 1] - cdf[i], i) for i in range(len(widths)) if cdf[i + 1] - cdf[i] > 1]
        _, giver = min(spare)
        if giver < slot:
            for i in range(giver + 1, slot + 1):
                cdf[i] -= 1
        else:
            for i in range(slot + 1, giver + 1):
                cdf[i] += 1
    return cdf


@pytest.mark.parametrize("number", range(12))
def test_recorded_tables_come_out_exactly(interop, number: int) -> None:
    recorded = np.load(interop / "rans.npz")
    assert pmf_to_quantized_cdf(recorded[f"pmf_{number}"]) == recorded[f"cdf_{number}"].tolist()


@pytest.mark.parametrize("seed", range(30))
def test_tables_follow_the_definition_step_by_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pmf = rng.exponential(size=rng.integers(1, 400)).astype(np.float32) ** rng.choice([1, 4, 12])
    pmf = (pmf / pmf.sum()).astype(np.float32)
    assert pmf_to_quantized_cdf(pmf) == _by_the_book(pmf)


@pytest.mark.parametrize("precision", [1, 8, 12])
def test_a_lower_precision_gives_tables_in_its_own_units(precision: int) -> None:
    cdf = pmf_to_quantized_cdf([0.9, 0.1], precision)
    assert cdf[0] == 0
    assert cdf[-1] == 2**precision
    assert np.diff(cdf).min() >= 1


def test_as_many_slots_as_units_are_each_one_unit_wide() -> None:
    assert pmf_to_quantized_cdf(torch.ones(65536)) == list(range(65537))


@pytest.mark.parametrize(
    "pmf",
    [
        [0.5, -0.1],
        [0.5, float("nan")],
        [float("inf"), 0.5],
        [1e30, 1e30],
        [0.0, 0.0],
        [1e-9] * 3,
        [],
        [1.0] * 65537,
    ],
    ids=["negative", "nan", "infinite", "huge", "zeros", "vanishing", "empty", "too many"],
)
def test_what_is_no_probability_mass_is_refused(pmf: list[float]) -> None:
    with pytest.raises(ConfigurationError):
        pmf_to_quantized_cdf(pmf)


@pytest.mark.parametrize("precision", [0, 17, -1])
def test_impossible_precisions_are_refused(precision: int) -> None:
    with pytest.raises(ConfigurationError, match="between 1 and 16"):
        pmf_to_quantized_cdf([0.5, 0.5], precision)


def test_probabilities_with_two_dimensions_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="dimensions"):
        pmf_to_quantized_cdf(np.ones((2, 2)))


GOOD = [0, 100, 200, 65536]


@pytest.mark.parametrize(
    ("cdf", "length", "offset", "problem"),
    [
        ([1, 100, 200, 65536], 4, 0, "from 1 to 65536"),
        ([0, 100, 200, 65535], 4, 0, "from 0 to 65535"),
        ([0, 200, 100, 65536], 4, 0, "increase"),
        ([0, 100, 100, 65536], 4, 0, "increase"),
        ([0, -5, 200, 65536], 4, 0, "increase"),
        ([0, 70000, 80000, 65536], 4, 0, "increase"),
        (GOOD, 3, 0, "from 0 to 200"),
        (GOOD, 5, 0, "length"),
        (GOOD, 1, 0, "length"),
        (GOOD, -4, 0, "length"),
        (GOOD, 4, 2**20 + 1, "offset"),
        (GOOD, 4, -(2**31), "offset"),
    ],
)
def test_what_is_no_table_is_refused_with_its_row(cdf, length: int, offset: int, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"table 1 .*{problem}"):
        CodingTables([GOOD, cdf], [4, length], [0, offset])


def test_tables_that_disagree_in_number_are_refused() -> None:
    for lengths, offsets in (([4], [0, 0]), ([4, 4], [0]), ([4, 4, 4], [0, 0])):
        with pytest.raises(ConfigurationError):
            CodingTables([GOOD, GOOD], lengths, offsets)


def test_no_tables_at_all_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="At least one"):
        CodingTables(np.zeros((0, 4), dtype=np.int32), [], [])


def test_the_largest_table_codes_every_symbol() -> None:
    tables = CodingTables(np.arange(65537)[None], [65537], [-30000])
    symbols = np.arange(-30000, 35535)[None]
    indexes = np.zeros_like(symbols, dtype=np.uint8)
    assert np.array_equal(tables.decode(tables.encode(symbols, indexes), indexes), symbols)


def test_a_table_of_the_escape_slot_alone_codes_every_symbol() -> None:
    tables = CodingTables([[0, 65536]], [2], [3])
    symbols = np.arange(-40, 40)[None]
    indexes = np.zeros_like(symbols)
    assert np.array_equal(tables.decode(tables.encode(symbols, indexes), indexes), symbols)


@pytest.mark.parametrize("index", [-1, 1, 2**31 - 1, -(2**31)])
def test_an_index_without_a_table_is_refused_both_ways(index: int) -> None:
    tables = CodingTables([GOOD], [4], [0])
    indexes = np.array([[0, index]], dtype=np.int32)
    with pytest.raises(ConfigurationError, match="between 0 and 0"):
        tables.encode(np.zeros((1, 2), dtype=np.int32), indexes)
    with pytest.raises(ConfigurationError, match="between 0 and 0"):
        tables.decode([b"\0" * 4 + b"\1" * 60], indexes)


@pytest.mark.parametrize(
    ("symbols", "indexes"),
    [([[1, 2]], [[0]]), ([[1], [2]], [[0]]), ([1, 2], [0, 0]), ([[0.5]], [[0]]), ([[2**31]], [[0]])],
    ids=["columns", "rows", "one dimension", "floats", "beyond 32 bits"],
)
def test_symbols_that_do_not_fit_are_refused(symbols, indexes) -> None:
    with pytest.raises(ConfigurationError):
        CodingTables([GOOD], [4], [0]).encode(symbols, indexes)


def test_tables_without_lengths_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="cdf_lengths"):
        RansEncoder().encode_with_indexes([1], [0], [GOOD])
