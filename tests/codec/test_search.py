"""The search for a quality keeps to its budget and comes close to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentpress.codec.search import best_within
from latentpress.errors import ConfigurationError


@given(st.integers(1, 250))
def test_growing_files_fill_the_budget_as_well_as_any_can(budget: int) -> None:
    tried = []

    def encode(quality: float) -> bytes:
        tried.append(quality)
        return bytes(int(2 * quality))

    if budget < 2:
        with pytest.raises(ConfigurationError, match="takes 2 bytes"):
            best_within(budget, encode, range(1, 101))
        return
    assert len(best_within(budget, encode, range(1, 101))) == min(budget // 2 * 2, 200)
    assert len(tried) <= 8


@given(st.lists(st.integers(1, 100), min_size=1, max_size=50), st.integers(1, 120))
def test_whatever_the_sizes_the_budget_is_kept(sizes: list[int], budget: int) -> None:
    if sizes[0] > budget:
        return
    assert len(best_within(budget, lambda index: bytes(sizes[int(index)]), range(len(sizes)))) <= budget
