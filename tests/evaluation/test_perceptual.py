"""Perceptual metrics, with packages that stand in for those of their authors."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError, WeightsError
from latentpress.evaluation import perceptual
from latentpress.evaluation.metrics import scores
from latentpress.evaluation.perceptual import available, check_perceptual


class Difference(nn.Module):
    """The mean difference as `(1, 1, 1, 1)`, as LPIPS gives it."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        assert a.min() >= -1
        return (a - b).abs().mean().reshape(1, 1, 1, 1)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    perceptual.perceptual_distance.cache_clear()
    yield
    perceptual.perceptual_distance.cache_clear()


def package(name: str, **contents: Any) -> ModuleType:
    made = ModuleType(name)
    made.__spec__ = type(sys.__spec__)(name, None)
    vars(made).update(contents)
    return made


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Both packages; the list has the arguments that LPIPS was made with."""
    made: list[dict[str, Any]] = []

    def lpips(**arguments: Any) -> Difference:
        made.append(arguments)
        return Difference()

    monkeypatch.setitem(sys.modules, "lpips", package("lpips", LPIPS=lpips))
    monkeypatch.setitem(sys.modules, "DISTS_pytorch", package("DISTS_pytorch", DISTS=Difference))
    return made


def test_what_is_installed_is_taken(installed: list[dict[str, Any]]) -> None:
    assert available() == (("lpips", "dists"), ())
    assert installed == [{"net": "alex", "verbose": False}]


def test_lpips_is_given_images_from_minus_one_to_one_and_dists_from_zero(
    installed: list[dict[str, Any]],
) -> None:
    a, b = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.25)
    values, _ = scores(a, b, ["lpips", "dists"])
    assert (values["lpips"], values["dists"]) == (0.5, 0.25)


def test_without_packages_there_are_none_and_asking_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(perceptual, "find_spec", lambda name: None)
    assert available() == ((), ())
    for name in ("lpips", "DISTS_pytorch"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match="pip install lpips"):
        check_perceptual(["lpips"])
    with pytest.raises(ConfigurationError, match="DISTS-pytorch"):
        check_perceptual(["dists"])


def test_weights_that_cannot_be_had_are_a_sentence(
    monkeypatch: pytest.MonkeyPatch, installed: list[dict[str, Any]]
) -> None:
    def offline(**_: Any) -> Difference:
        raise OSError("no route to host")

    monkeypatch.setitem(sys.modules, "lpips", package("lpips", LPIPS=offline))
    usable, (problem,) = available()
    assert usable == ("dists",)
    assert "no route to host" in problem
    with pytest.raises(WeightsError, match="checkpoints"):
        check_perceptual(["lpips"])


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(ConfigurationError, match="lpips, dists"):
        check_perceptual(["vmaf"])
