"""Pictures drawn by code, and mixing them with photographs."""

import numpy as np
import pytest
import torch

from latentpress.datasets import DrawnCrops, WithDrawings
from latentpress.datasets.graphics import KINDS, draw
from latentpress.errors import ConfigurationError


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_a_size_and_a_seed_make_one_picture_and_seeds_differ(kind: str) -> None:
    pictures = [np.array(draw(kind, 70, 50, seed)) for seed in (3, 3, 4)]
    assert pictures[0].shape == (50, 70, 3)
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_drawn_in_any_size(kind: str) -> None:
    for width, height in ((1, 1), (1, 9), (300, 2), (257, 129)):
        for seed in range(3):
            assert draw(kind, width, height, seed).size == (width, height)


def test_there_are_at_least_twenty_kinds_and_most_have_pixels_at_the_ends_of_the_range() -> None:
    extremes = [np.array(draw(kind, 128, 128)) for kind in KINDS]
    assert len(KINDS) >= 20
    assert sum(bool((pixels == 0).any() or (pixels == 255).any()) for pixels in extremes) > len(KINDS) / 2


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="quarters"):
        draw("quaters")
    with pytest.raises(ConfigurationError, match="0x5"):
        draw("flat", 0, 5)


def test_drawn_crops_follow_torchs_generator() -> None:
    crops = DrawnCrops(64)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(torch.stack([crops[index] for index in range(len(crops))]))
    assert found[0].shape == (len(KINDS), 3, 64, 64)
    assert found[0].dtype == torch.uint8
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_drawings_come_as_often_as_asked_and_photographs_keep_their_weights() -> None:
    photographs = DrawnCrops(32)
    photographs.weights = torch.arange(1.0, len(photographs) + 1)
    mixed = WithDrawings(photographs, 32, share=0.25)
    own = mixed.weights[: len(photographs)]
    assert float(own.sum()) == pytest.approx(0.75)
    assert float(mixed.weights.sum()) == pytest.approx(1)
    assert float(own[3] / own[0]) == pytest.approx(4)
    assert mixed[len(mixed) - 1].shape == mixed[0].shape
    with pytest.raises(ConfigurationError, match="share"):
        WithDrawings(photographs, 32, share=1.0)
