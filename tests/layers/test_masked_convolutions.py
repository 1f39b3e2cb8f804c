import pytest
import torch

from latentpress.errors import ConfigurationError
from latentpress.layers import CheckerboardMaskedConv2d, MaskedConv2d


def _seen_from(layer: torch.nn.Module, row: int, column: int) -> torch.Tensor:
    """Which input positions the output at (row, column) depends on."""
    torch.nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 7, 7, requires_grad=True)
    layer(x)[0, 0, row, column].backward()
    return x.grad[0, 0] != 0


@pytest.mark.parametrize(("mask_type", "centre"), [("A", False), ("B", True)])
def test_a_masked_convolution_sees_what_precedes_in_raster_order(mask_type, centre):
    seen = _seen_from(MaskedConv2d(1, 1, 5, padding=2, mask_type=mask_type), 3, 3)
    expected = torch.zeros(7, 7, dtype=torch.bool)
    expected[1:3, 1:6] = True
    expected[3, 1:3] = True
    expected[3, 3] = centre
    assert torch.equal(seen, expected)


@pytest.mark.parametrize(("mask_type", "centre"), [("A", False), ("B", True)])
def test_a_checkerboard_convolution_sees_the_other_colour(mask_type, centre):
    seen = _seen_from(CheckerboardMaskedConv2d(1, 1, 5, padding=2, mask_type=mask_type), 3, 3)
    row, column = torch.meshgrid(torch.arange(7), torch.arange(7), indexing="ij")
    expected = ((row + column) % 2 == 1) & ((row - 3).abs() <= 2) & ((column - 3).abs() <= 2)
    expected[3, 3] = centre
    assert torch.equal(seen, expected)


@pytest.mark.parametrize("kind", [MaskedConv2d, CheckerboardMaskedConv2d])
def test_masked_weights_get_no_gradient_and_keep_their_values(kind):
    layer = kind(2, 3, 3, padding=1)
    before = layer.weight.detach().clone()
    layer(torch.randn(1, 2, 5, 5)).sum().backward()
    assert torch.equal(layer.weight, before)
    assert torch.all(layer.weight.grad[layer.mask == 0] == 0)
    assert torch.any(layer.weight.grad[layer.mask == 1] != 0)


@pytest.mark.parametrize("kind", [MaskedConv2d, CheckerboardMaskedConv2d])
def test_an_unknown_mask_type_is_refused(kind):
    with pytest.raises(ConfigurationError, match="'A' or 'B'"):
        kind(1, 1, 3, mask_type="C")


def test_the_mask_is_saved_with_the_weights():
    layer = MaskedConv2d(2, 4, 5)
    assert set(layer.state_dict()) == {"weight", "bias", "mask"}
    assert layer.mask.shape == layer.weight.shape
