"""Times of transforms, told apart from the rest."""

import pytest
import torch
from torch import Tensor, nn

from latentpress.evaluation import stopwatch
from latentpress.evaluation.stopwatch import Stopwatch


class Clock:
    """Stands still unless told."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Slow(nn.Module):
    """A transform that takes some seconds of the clock, and may call another."""

    def __init__(self, clock: Clock, seconds: float, inner: nn.Module | None = None) -> None:
        super().__init__()
        self.clock, self.seconds, self.inner = clock, seconds, inner

    def forward(self, x: Tensor) -> Tensor:
        self.clock.now += self.seconds
        return x if self.inner is None else self.inner(x)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(stopwatch, "time", made)
    return made


def test_transforms_and_the_rest_are_told_apart(clock: Clock) -> None:
    model = nn.Module()
    model.g_a, model.h_a, model.context = Slow(clock, 3), Slow(clock, 2), Slow(clock, 5)
    x = torch.zeros(1)
    with Stopwatch(model) as watch:
        model.g_a(x)
        model.g_a(x)
        model.h_a(x)
        model.context(x)
    assert (watch.seconds, watch.transform_seconds) == (13, 8)


def test_a_transform_inside_a_transform_counts_once(clock: Clock) -> None:
    model = nn.Module()
    model.h_s = Slow(clock, 2)
    model.g_s = Slow(clock, 3, inner=model.h_s)
    with Stopwatch(model) as watch:
        model.g_s(torch.zeros(1))
    assert (watch.seconds, watch.transform_seconds) == (5, 5)


def test_a_model_without_transforms_has_a_total_only(clock: Clock) -> None:
    with Stopwatch(object()) as watch:
        clock.now += 4
    assert (watch.seconds, watch.transform_seconds) == (4, None)


def test_nothing_stays_on_the_model(clock: Clock) -> None:
    model = nn.Module()
    model.g_a = Slow(clock, 3)
    with Stopwatch(model) as watch:
        model.g_a(torch.zeros(1))
    model.g_a(torch.zeros(1))
    assert watch.transform_seconds == 3
    assert not model.g_a._forward_hooks
    assert not model.g_a._forward_pre_hooks
