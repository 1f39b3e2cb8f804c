"""Networks in integers: the same bits however, wherever and by whatever they are computed."""

import hashlib
import math

import pytest
import torch
from torch import nn

from latentpress.errors import ConfigurationError
from latentpress.latent_codecs import critical, exact
from latentpress.latent_codecs.exact import exact_exp, logarithms
from latentpress.models import get_scale_table
from other_processor import run_on_other_processor


def _network() -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(6, 32, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(32, 8, 3, padding=1)
    )


def _noise(*shape: int) -> torch.Tensor:
    """Numbers in [-1, 1) that are the same everywhere, unlike `torch.randn`."""
    count = torch.arange(math.prod(shape), dtype=torch.int64)
    return ((count * 1103515245 + 12345) % 65536 - 32768).float().reshape(shape) / 32768


def test_results_are_close_to_those_of_floats() -> None:
    network, x = _network(), torch.randn(1, 6, 12, 16)
    with torch.no_grad():
        expected = network(x)
    error = (critical.evaluate(network, x, exact=True) - expected).abs().max()
    assert 0 < error < 0.01 * expected.abs().max()


@pytest.mark.parametrize("threads", [1, 2])
def test_neither_threads_nor_layout_nor_batch_nor_autocast_matter(threads: int) -> None:
    network, x = _network(), torch.randn(3, 6, 12, 16)
    expected = torch.cat([critical.evaluate(network, image, exact=True) for image in x.split(1)])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            found = critical.evaluate(
                network.to(memory_format=torch.channels_last),
                x.to(memory_format=torch.channels_last),
                exact=True,
            )
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found, expected)


def test_a_library_that_may_use_bfloat16_does_not_matter() -> None:
    settings = getattr(torch.backends.mkldnn, "conv", None)
    if settings is None:
        pytest.skip("this torch has no such setting")
    network, x = nn.Conv2d(64, 64, 3), torch.randn(1, 64, 24, 24)
    expected = critical.evaluate(network, x, exact=True)
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    try:
        found = critical.evaluate(network, x, exact=True)
        assert settings.fp32_precision == "bf16"
    finally:
        settings.fp32_precision = before
    assert torch.equal(found, expected)


def test_sums_are_exact_even_where_all_inputs_are_largest_and_agree_with_the_weights() -> None:
    network = nn.Conv2d(192, 4, 3, bias=False)
    signs = network.weight.detach()[:1].sign()
    largest = (1 - 2**-11) * signs
    y = critical.evaluate(network, largest, exact=True)
    kernel = exact._integer_kernel(network.weight, False, (1, 1))
    sums = torch.conv2d((largest.double() * exact.LEVELS).round(), kernel.weight.double())
    assert 0.4 * exact.LARGEST_SUM < sums[0, 0].item() <= exact.LARGEST_SUM
    assert torch.equal(y.double(), sums * kernel.unit.double() / exact.LEVELS)


def _digest() -> str:
    network = _network()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(_noise(*parameter.shape))
    y = critical.evaluate(network, 40 * _noise(1, 6, 12, 16), exact=True)
    return hashlib.sha256(y.contiguous().numpy().astype("<f4").tobytes()).hexdigest()


DIGEST = "feb8824ed363358a"


def test_the_bits_are_those_that_every_machine_gives() -> None:
    assert _digest().startswith(DIGEST)


def test_the_bits_are_the_same_on_processors_without_wide_vectors() -> None:
    assert run_on_other_processor(__file__).startswith(DIGEST)


def test_changed_weights_are_noticed() -> None:
    network, x = nn.Conv2d(4, 4, 3), torch.randn(1, 4, 8, 8)
    before = critical.evaluate(network, x, exact=True)
    with torch.no_grad():
        network.weight.mul_(2)
    bias = network.bias.detach()[:, None, None]
    torch.testing.assert_close(critical.evaluate(network, x, exact=True) - bias, 2 * (before - bias))


def test_zeros_are_zeros_and_weights_that_are_not_finite_are_an_error() -> None:
    network = nn.Conv2d(4, 4, 3, bias=False)
    assert critical.evaluate(network, torch.zeros(1, 4, 8, 8), exact=True).abs().max() == 0
    with torch.no_grad():
        network.weight[0, 0, 0, 0] = math.nan
    with pytest.raises(ConfigurationError, match="not finite"):
        critical.evaluate(network, torch.ones(1, 4, 8, 8), exact=True)


def test_the_exponential_is_right_to_three_decimals_and_its_table_to_the_last_bit() -> None:
    x = torch.linspace(-20, 20, 1001)
    assert ((exact_exp(x) / x.exp()) - 1).abs().max() < 4e-4
    assert torch.isfinite(exact_exp(torch.tensor([-1e9, 1e9]))).all()
    for index in range(1024):  # no entry is so near to a tie that a library could round it the other way
        units = 2.0 ** (index / 1024) * 2**23
        assert abs(units - math.floor(units) - 0.5) > 1e-6


def test_the_gradient_of_the_exponential_is_its_value() -> None:
    x = torch.linspace(-3, 3, 7, requires_grad=True)
    y = exact_exp(x)
    (2 * y).sum().backward()
    assert torch.equal(x.grad, 2 * y.detach())


def test_logarithms_are_far_from_ties_for_the_scales_of_the_field() -> None:
    table = get_scale_table()
    units = table.double().log() * 2**16
    assert ((units - units.floor()) - 0.5).abs().min() > 1e-6
    torch.testing.assert_close(logarithms(table), table.log(), rtol=0, atol=2e-5)


if __name__ == "__main__":
    print(_digest())
