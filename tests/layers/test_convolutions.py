"""Convolutions that train fast on CPUs compute what torch's own do."""

import pytest
import torch
from torch import nn

from latentpress.layers import conv1x1
from latentpress.layers.convolutions import TransposedConv2d, channels_innermost, safe_innermost
from latentpress.models import Cheng2020Anchor

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def _gradients(layer: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    y = layer(x)
    return [y, *torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("outputs", "bias"), [(6, True), (6, False), (3, True)])
def test_a_transposed_convolution_and_its_gradients_are_torchs(layout, outputs, bias):
    ours = TransposedConv2d(4, outputs, 5, stride=2, padding=2, output_padding=1, bias=bias)
    theirs = nn.ConvTranspose2d(4, outputs, 5, stride=2, padding=2, output_padding=1, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 4, 6, 8).contiguous(memory_format=layout).requires_grad_()
    for a, b in zip(_gradients(ours, x), _gradients(theirs, x), strict=True):
        torch.testing.assert_close(a, b)


def test_the_gradient_of_a_transposed_convolution_passes_gradcheck():
    layer = TransposedConv2d(2, 3, 3, stride=2, padding=1, output_padding=1).double()
    x = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_strided_pointwise_convolution_and_its_gradients_are_torchs(channels, layout):
    ours, theirs = conv1x1(channels, 8, stride=2), nn.Conv2d(channels, 8, 1, stride=2)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, channels, 6, 10).contiguous(memory_format=layout).requires_grad_()
    for a, b in zip(_gradients(ours, x), _gradients(theirs, x.contiguous()), strict=True):
        torch.testing.assert_close(a, b)


def test_networks_that_torch_would_corrupt_memory_with_are_given_images_as_they_are():
    x = torch.rand(1, 3, 8, 8)
    assert channels_innermost(nn.Conv2d(3, 4, 3), x).is_contiguous(memory_format=torch.channels_last)
    assert channels_innermost(nn.Sequential(nn.Conv2d(3, 4, 1, stride=2)), x) is x
    assert not safe_innermost(nn.Conv2d(12, 4, 1, stride=2))
    assert safe_innermost(nn.Conv2d(13, 4, 1, stride=2))
    assert safe_innermost(Cheng2020Anchor(N=4))
