"""Entropy models filled with the weights that the reference outputs were recorded with."""

from collections.abc import Callable

import pytest
import torch

from latentpress.entropy_models import EntropyBottleneck


@pytest.fixture(scope="session")
def reference_bottleneck(interop) -> Callable[[int], EntropyBottleneck]:
    """Return a function from a number of channels to the bottleneck of the reference models of that width."""
    from seeded import fill_with_seeded_weights

    def make(channels: int) -> EntropyBottleneck:
        bottleneck = EntropyBottleneck(channels)
        fill_with_seeded_weights(bottleneck, {}, rename=lambda key: f"entropy_bottleneck.{key}")
        return bottleneck.eval()

    return make


@pytest.fixture(scope="session")
def scale_table() -> torch.Tensor:
    """The 64 scales of the published models."""
    low, high = torch.tensor([0.11, 256.0]).log().tolist()
    return torch.exp(torch.linspace(low, high, 64))
