"""Chains of strided convolutions compute what their parts would, by whatever kernels."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from latentpress import _core
from latentpress.models.compiled import eager
from latentpress.models.utils import conv, deconv
from latentpress.models.video import strided
from latentpress.models.video.strided import PackedChain, StridedChain

CLOSE = 3e-5  # relative to the largest value
KERNELS = [
    *((_core.StridedNetwork, name) for name in sorted({"portable", _core.strided_kernels()})),
    *((_core.MinimalNetwork, name) for name in sorted({"portable", _core.minimal_kernels()})),
]


def _chain(make, *channels: int) -> StridedChain:
    return StridedChain(*(make(a, b) for a, b in pairwise(channels))).eval()


def _error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize(("network", "kernels"), KERNELS)
@pytest.mark.parametrize(
    ("make", "channels", "sides"),
    [
        (conv, (3, 32, 40), (32, 72)),  # few channels at first, and a partial block of outputs
        (conv, (6, 33, 5), (8, 4)),  # channels of no convenient number
        (conv, (7, 8), (4, 68)),  # too many channels to gather, in one layer
        (conv, (2, 3, 4, 5), (16, 8)),
        (conv, (3, 20, 48, 33), (24, 40)),  # tiles that reach beyond the output
        (deconv, (5, 40, 3), (3, 7)),  # the four phases at once in the last layer
        (deconv, (33, 12), (2, 33)),  # and one by one
        (deconv, (4, 2), (1, 1)),
    ],
)
def test_the_kernels_compute_what_the_parts_do(make, channels, sides, network, kernels):
    chain = _chain(make, *channels)
    x = torch.randn(2, channels[0], *sides)
    with torch.no_grad(), eager():
        expected = chain(x)
    found = PackedChain(chain._layers(), network).run(x, kernels)
    assert found.shape == expected.shape
    assert _error(found, expected) < CLOSE


@pytest.mark.parametrize("make", [conv, deconv])
def test_minimal_filtering_gives_the_same_bits_on_all_kernels_and_numbers_of_threads(make):
    chain = _chain(make, 18, 40, 3)
    packed, x = PackedChain(chain._layers(), _core.MinimalNetwork), torch.randn(1, 18, 36, 52)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = packed.run(x, "portable")
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            assert torch.equal(packed.run(x), expected)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("network", [_core.StridedNetwork, _core.MinimalNetwork])
def test_borders_are_clean_when_sizes_change(network):
    chain = _chain(conv, 3, 16, 8)
    packed = PackedChain(chain._layers(), network)
    for sides in ((16, 40), (32, 8), (16, 40)):
        x = torch.randn(1, 3, *sides)
        with torch.no_grad(), eager():
            expected = chain(x)
        assert _error(packed.run(x), expected) < CLOSE


def test_results_depend_neither_on_threads_nor_batch_nor_layout():
    chain = _chain(deconv, 24, 16, 3)
    x = torch.randn(3, 24, 32, 64)
    before = torch.get_num_threads()
    try:
        with torch.no_grad():
            torch.set_num_threads(1)
            expected = chain(x)
            torch.set_num_threads(3)
            if strided._network() is not None:
                assert chain._pays(x)
                assert torch.equal(chain(x), expected)
                assert torch.equal(chain(x[1:2]), expected[1:2])
            assert torch.allclose(chain(x.contiguous(memory_format=torch.channels_last)), expected, atol=1e-5)
    finally:
        torch.set_num_threads(before)


def test_changed_weights_are_used():
    chain, x = _chain(conv, 3, 8, 8), torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        before = chain(x)
        chain[2].weight.mul_(2)
        chain[2].bias.mul_(2)
        assert torch.allclose(chain(x), 2 * before, atol=1e-5)


def test_replaced_parts_are_used():
    chain, x = _chain(conv, 3, 8, 8), torch.randn(1, 3, 16, 16)
    for index, part in ((1, nn.Tanh()), (2, nn.Conv2d(8, 4, 3)), (0, nn.Identity())):
        replaced = _chain(conv, 3, 8, 8)
        replaced[index] = part
        if index == 0:
            replaced[2] = nn.Identity()
        with torch.no_grad():
            expected = nn.Sequential(*replaced)(x)
            assert torch.allclose(replaced(x), expected, atol=1e-5)
    with torch.no_grad():
        assert chain(x).shape == (1, 8, 4, 4)


def test_hooks_on_parts_are_called():
    chain, seen = _chain(conv, 3, 8, 8), []
    chain[0].register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    with torch.no_grad():
        chain(torch.randn(1, 3, 16, 16))
    assert seen == [(1, 8, 8, 8)]


def test_sides_that_halve_to_odd_numbers_go_through_the_parts():
    chain = _chain(conv, 3, 8, 8)
    with torch.no_grad():
        assert chain(torch.randn(1, 3, 18, 17)).shape == (1, 8, 5, 5)


def test_gradients_reach_all_weights():
    chain = _chain(deconv, 8, 8, 3)
    chain(torch.randn(1, 8, 4, 4)).square().sum().backward()
    assert all(parameter.grad.any() for parameter in chain.parameters())
