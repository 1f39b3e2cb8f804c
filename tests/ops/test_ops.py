"""Bounds, reparametrisations, rounding and padding."""

import pytest
import torch
import torch.nn.functional as F

from latentpress.errors import ConfigurationError
from latentpress.ops import (
    LowerBound,
    NonNegativeParametrizer,
    compute_padding,
    quantize_ste,
    uniform_noise,
)


def test_lower_bound_clamps_and_keeps_the_dtype() -> None:
    x = torch.tensor([-1.0, 0.25, 3.0])
    assert LowerBound(0.5)(x).tolist() == [0.5, 0.5, 3.0]
    assert LowerBound(0.5)(x.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("x", "direction", "passes"), [(0.7, 1, True), (0.7, -1, True), (0.2, 1, False), (0.2, -1, True)]
)
def test_gradient_of_the_lower_bound_passes_unless_it_pushes_further_below(
    x: float, direction: int, passes: bool
) -> None:
    value = torch.tensor([x], requires_grad=True)
    (LowerBound(0.5)(value) * direction).sum().backward()
    assert value.grad is not None
    assert value.grad.item() == (direction if passes else 0)


def test_parametrizer_undoes_its_initialisation() -> None:
    reparametrise = NonNegativeParametrizer(minimum=1e-6)
    wanted = torch.tensor([1e-6, 0.1, 1.0, 50.0])
    torch.testing.assert_close(reparametrise(reparametrise.init(wanted)), wanted, rtol=1e-5, atol=1e-9)


def test_parametrizer_never_goes_below_its_minimum() -> None:
    values = NonNegativeParametrizer(minimum=0.25)(torch.linspace(-2, 2, 101))
    assert values.min() >= 0.25 - 1e-6


def test_parametrizer_has_the_documented_buffers() -> None:
    buffers = NonNegativeParametrizer(minimum=1e-6).state_dict()
    assert set(buffers) == {"pedestal", "lower_bound.bound"}
    assert buffers["pedestal"].item() == 2**-36
    assert buffers["lower_bound.bound"].item() == pytest.approx((1e-6 + 2**-36) ** 0.5)


def test_straight_through_rounding_rounds_half_to_even_exactly() -> None:
    x = torch.cat([torch.arange(-5.5, 6.0, 0.5), torch.randn(1000) * 100])
    assert torch.equal(quantize_ste(x), torch.round(x))


def test_uniform_noise_stays_within_half_a_step() -> None:
    noise = uniform_noise(torch.zeros(10_000))
    assert noise.abs().max() <= 0.5
    assert noise.std().item() == pytest.approx(12**-0.5, rel=0.05)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (63, 65), (100, 128), (64, 64)])
def test_padding_reaches_a_multiple_and_is_undone(height: int, width: int) -> None:
    pad, unpad = compute_padding(height, width, min_div=64)
    image = torch.randn(1, 3, height, width)
    padded = F.pad(image, pad)
    assert padded.shape[2] % 64 == padded.shape[3] % 64 == 0
    assert padded.shape[2] - height < 64
    assert torch.equal(F.pad(padded, unpad), image)


def test_padding_to_an_impossible_size_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="multiple of 64"):
        compute_padding(100, 100, out_h=100, min_div=64)
    with pytest.raises(ConfigurationError, match="at least 100"):
        compute_padding(100, 100, out_h=64, min_div=64)
