"""Orders in which the positions of a latent become known."""

import pytest
import torch

from latentpress.latent_codecs.lattices import CHECKERBOARD, Sublattice, lattices


@pytest.mark.parametrize("extent", [(1, 1), (1, 9), (8, 8), (13, 7), (16, 33)])
@pytest.mark.parametrize("order", [CHECKERBOARD, lattices(1), lattices(3)], ids=["checkerboard", "1", "3"])
def test_every_position_comes_once(order: tuple[Sublattice, ...], extent: tuple[int, int]) -> None:
    positions = torch.cat([part.chosen(extent, torch.device("cpu")).fine for part in order])
    assert positions.sort().values.tolist() == list(range(extent[0] * extent[1]))


def test_lattices_begin_far_apart_and_halve_the_distance() -> None:
    grid = torch.zeros(5, 5, dtype=torch.long)
    for number, part in enumerate(lattices(2)):
        grid.flatten()[part.chosen((5, 5), grid.device).fine] = number
    assert grid.tolist() == [
        [0, 4, 2, 4, 0],
        [4, 3, 4, 3, 4],
        [2, 4, 1, 4, 2],
        [4, 3, 4, 3, 4],
        [0, 4, 2, 4, 0],
    ]


@pytest.mark.parametrize("part", lattices(3))
def test_coarse_positions_are_the_fine_ones_of_a_subsampled_grid(part: Sublattice) -> None:
    x = torch.randn(2, 3, 13, 10)
    at = part.chosen((13, 10), x.device)
    assert torch.equal(at.of(x), at.of_coarse(part.coarse(x)))
    assert torch.equal(at.of(at.spread(at.of(x))), at.of(x))
