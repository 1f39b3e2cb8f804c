"""The order in which the positions of a latent become known: passes over a checkerboard, or over lattices.

A checkerboard has two passes: half of the positions tell of the other half, their neighbours. Where
neighbours are much alike, even the first half is dear. Lattices begin with few positions far apart, and halve
the distance again and again: diagonal midpoints first, then what lies between all these.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["CHECKERBOARD", "Positions", "Sublattice", "lattices"]


class Sublattice(NamedTuple):
    """Some positions of a grid: of every `stride`-th row and column, those of one parity.

    Attributes:
        stride: rows and columns from one line to the next.
        rows: parity of the rows counted in strides, 0 or 1; None for both.
        columns: the same of the columns.
        diagonals: parity of the sum of both; None for both.
    """

    stride: int = 1
    rows: int | None = None
    columns: int | None = None
    diagonals: int | None = None

    def coarse(self, x: Tensor) -> Tensor:
        """Every `stride`-th row and column of `x` (N, C, H, W)."""
        return x if self.stride == 1 else x[:, :, :: self.stride, :: self.stride].contiguous()

    def chosen(self, extent: Sequence[int], device: torch.device) -> "Positions":
        """Its positions on a grid of `extent` rows and columns."""
        height, width = extent
        row = torch.arange(-(-height // self.stride), device=device)[:, None]
        column = torch.arange(-(-width // self.stride), device=device)
        wanted = torch.ones(len(row), len(column), dtype=torch.bool, device=device)
        for value, parity in ((row, self.rows), (column, self.columns), (row + column, self.diagonals)):
            if parity is not None:
                wanted &= value % 2 == parity
        i, j = wanted.nonzero().unbind(1)
        return Positions((height, width), self.stride * (i * width + j), i * len(column) + j)


CHECKERBOARD = (Sublattice(diagonals=0), Sublattice(diagonals=1))


def lattices(levels: int) -> tuple[Sublattice, ...]:
    """Passes that begin at every `2**levels`-th row and column, and halve the distance `levels` times.

    Example:
        >>> [one.stride for one in lattices(2)]
        [4, 2, 2, 1, 1]
    """
    strides = [2**level for level in reversed(range(levels))]
    finer = [one for s in strides for one in (Sublattice(s, rows=1, columns=1), Sublattice(s, diagonals=1))]
    return Sublattice(2**levels), *finer


class Positions(NamedTuple):
    """The P positions of a sublattice on a grid.

    Attributes:
        extent: rows and columns of the grid.
        fine: numbers of the positions in raster order, (P,).
        coarse: their numbers among every stride-th row and column, (P,).
    """

    extent: tuple[int, int]
    fine: Tensor
    coarse: Tensor

    def of(self, x: Tensor) -> Tensor:
        """The elements of `x` (N, C, H, W) there, (N, C, 1, P)."""
        return x.flatten(2).index_select(2, self.fine).unsqueeze(2)

    def of_coarse(self, x: Tensor) -> Tensor:
        """The same of what has every stride-th row and column only."""
        return x.flatten(2).index_select(2, self.coarse).unsqueeze(2)

    def spread(self, values: Tensor) -> Tensor:
        """Put (N, K, 1, P) back where they came from, among zeros, differentiably."""
        grid = values.new_zeros(*values.shape[:2], math.prod(self.extent))
        return grid.index_copy(2, self.fine, values.squeeze(2)).unflatten(2, self.extent)

    def put(self, values: Tensor, x: Tensor, channels: slice) -> None:
        """Put (N, K, 1, P) into K channels of `x` (N, C, H, W), which must be contiguous."""
        x[:, channels].flatten(2).index_copy_(2, self.fine, values.squeeze(2))
