"""Convolutions that train fast on CPUs compute what torch's own do."""

import pytest
import torch
from torch import nn

from latentpress.layers import conv1x1
from latentpress.layers.convolutions import TransposedConv2d, channels_innermost, safe_innermost
from latentpress.models import Cheng2020Anchor
from strided_pointwise import StridedPointwise

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


@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_strided_pointwise_convolution_and_its_gradients_are_torchs(channels, layout, dtype, autocast):
    ours, theirs = conv1x1(channels, 8, stride=2).to(dtype), nn.Conv2d(channels, 8, 1, stride=2).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, channels, 6, 10).contiguous(memory_format=layout).to(dtype).requires_grad_()
    with StridedPointwise() as asked, torch.autocast("cpu", autocast, enabled=autocast is not None):
        found = _gradients(ours, x)
    assert asked.count == 0
    exact = _gradients(theirs, x.detach().double().contiguous().requires_grad_())
    fine = autocast is None and dtype != torch.bfloat16
    for a, b in zip(found, exact, strict=True):
        assert (a.double() - b).abs().max() <= (1e-5 if fine else 3e-2) * b.abs().max()


def test_torchs_own_strided_pointwise_convolution_is_noticed():
    with StridedPointwise() as asked:
        _gradients(nn.Conv2d(3, 8, 1, stride=2), torch.randn(1, 3, 6, 10, requires_grad=True))
    assert asked.count == 1


def test_a_strided_pointwise_convolution_takes_one_image_and_compiles():
    layer, x = conv1x1(3, 8, stride=2), torch.randn(2, 3, 6, 10)
    torch.testing.assert_close(layer(x[0]), layer(x)[0])
    compiled = torch.compile(layer, backend="aot_eager")
    with StridedPointwise() as asked:
        found = _gradients(compiled, x.contiguous(memory_format=torch.channels_last).requires_grad_())
    assert asked.count == 0
    for a, b in zip(found, _gradients(layer, x.requires_grad_()), strict=True):
        torch.testing.assert_close(a, b)


def test_networks_that_torch_would_corrupt_memory_with_are_given_images_as_they_are():
    x = torch.rand(1, 3, 8, 8)
    assert channels_innermost(nn.Conv2d(3, 4, 3), x).is_contiguous(memory_format=torch.channels_last)
    assert channels_innermost(nn.Sequential(nn.Conv2d(3, 4, 1, stride=2)), x) is x
    assert not safe_innermost(nn.Conv2d(15, 4, 1, stride=2))
    assert not safe_innermost(nn.Conv2d(32, 4, 1, stride=(1, 2), groups=4))
    assert safe_innermost(nn.Conv2d(15, 4, 3, stride=2))
    assert safe_innermost(Cheng2020Anchor(N=4))
