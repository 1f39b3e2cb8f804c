"""Effort: time of the encoder for smaller files, which any decoder reads."""

from importlib.resources import files

import pytest
from PIL import Image

import latentpress
from latentpress.codec.effort import steps_of
from latentpress.codec.search import best_within
from latentpress.errors import ConfigurationError


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    with files("latentpress").joinpath("assets/demo.png").open("rb") as file:
        return Image.open(file).convert("RGB").crop((100, 100, 292, 292))


def test_more_effort_makes_a_smaller_file_that_decodes_as_usual(photograph: Image.Image) -> None:
    shares: list[float] = []
    plain = latentpress.compress(photograph, quality=40)
    refined = latentpress.compress(photograph, quality=40, effort=4, on_step=shares.append)
    assert len(refined) < len(plain)
    assert latentpress.decompress(refined).size == photograph.size
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_efforts_of_the_networks_alone_are_the_usual_one(photograph: Image.Image) -> None:
    plain = latentpress.compress(photograph, quality=10)
    assert all(latentpress.compress(photograph, quality=10, effort=effort) == plain for effort in (0, 1, 2))


def test_a_target_is_kept_with_effort(photograph: Image.Image) -> None:
    assert len(latentpress.compress(photograph, target_size=3000, effort=3)) <= 3000


def test_more_effort_means_no_fewer_steps_and_other_efforts_are_refused() -> None:
    steps = [steps_of(effort) for effort in range(10)]
    assert steps == sorted(steps)
    for wrong in (-1, 10, 2.0, True, "high"):
        with pytest.raises(ConfigurationError, match="effort from 0 to 9"):
            steps_of(wrong)


def test_a_model_that_cannot_be_optimised_for_is_a_sentence(photograph: Image.Image) -> None:
    with pytest.raises(ConfigurationError, match="effort up to 2 for qarv_base"):
        latentpress.compress(photograph, model="qarv_base", lmb=64, effort=3)


def test_what_is_saved_is_spent_on_a_higher_quality() -> None:
    data = best_within(70, lambda q: bytes(int(q)), range(1, 101), lambda q: bytes(int(q * 0.9)))
    assert len(data) == 69
    assert len(best_within(70, lambda q: bytes(int(q)), range(1, 101), lambda q: bytes(int(q * 1.2)))) == 70
