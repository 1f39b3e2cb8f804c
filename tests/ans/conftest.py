"""Tables and symbols that exercise the coder: narrow and wide tables, and symbols outside them."""

import numpy as np
import pytest

from latentpress.ans import CodingTables, pmf_to_quantized_cdf

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def random_rows(count: int, seed: int) -> Rows:
    """Return cdfs, lengths and offsets of `count` random tables of 1 to 300 slots."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 300, count)
    cdfs = np.zeros((count, sizes.max() + 1), dtype=np.int32)
    for row, size in zip(cdfs, sizes, strict=True):
        row[: size + 1] = pmf_to_quantized_cdf(rng.exponential(size=size) ** 4)
    offsets = rng.integers(-200, 200, count, dtype=np.int32)
    return cdfs, (sizes + 1).astype(np.int32), offsets


@pytest.fixture(scope="module")
def rows() -> Rows:
    return random_rows(count=40, seed=1)


@pytest.fixture(scope="module")
def tables(rows: Rows) -> CodingTables:
    return CodingTables(*rows)
