"""Spikes of the gradient."""

import math

from latentpress.training.spikes import GradientWatch


def test_a_spike_is_ten_times_the_running_median() -> None:
    watch = GradientWatch(10.0, window=64, patience=8)
    assert not any(watch.is_spike(norm) for norm in [1.0, 100.0, *[1.0] * 20])
    assert not watch.is_spike(9.0)
    assert watch.is_spike(11.0)
    assert watch.is_spike(math.nan)
    assert watch.is_spike(math.inf)
