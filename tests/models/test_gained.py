"""The variable-rate model behind the default codec."""

import pytest
import torch

from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.models import GainedHyperprior


@pytest.fixture(scope="module")
def net() -> GainedHyperprior:
    torch.manual_seed(0)
    model = GainedHyperprior(widths=(16, 16), M=24, N=16, depths=(1, 1, 1)).eval()
    model.update(update_quantiles=True)
    return model


@pytest.mark.parametrize("quality", [1, 37.5, 100])
def test_decoding_gives_what_the_forward_pass_predicts(net: GainedHyperprior, quality: float) -> None:
    x = torch.rand(2, 3, 64, 128)
    coded = net.compress(x, quality=quality)
    decoded = net.decompress(coded["strings"], coded["shape"], quality=quality)["x_hat"]
    rate = torch.full((2,), (quality - 1) / 99 * (net.num_rates - 1))
    with torch.no_grad():
        expected = net(x, rate)["x_hat"].clamp(0, 1)
    assert torch.allclose(decoded, expected, atol=1e-4)


def test_a_higher_quality_takes_more_bytes(net: GainedHyperprior) -> None:
    x = torch.rand(1, 3, 64, 128)
    sizes = [sum(len(latent[0]) for latent in net.compress(x, q)["strings"]) for q in (1, 50, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_coding_an_analysed_latent_is_compressing_the_image(net: GainedHyperprior) -> None:
    x = torch.rand(1, 3, 64, 64)
    assert net.compress_latent(net.analyse(x), 20) == net.compress(x, 20)


@pytest.mark.parametrize("quality", [0, 100.5, float("nan")])
def test_a_quality_out_of_range_is_an_error_that_names_the_range(
    net: GainedHyperprior, quality: float
) -> None:
    with pytest.raises(ConfigurationError, match="from 1 to 100"):
        net.compress(torch.rand(1, 3, 64, 64), quality=quality)


def test_a_truncated_string_is_a_bitstream_error(net: GainedHyperprior) -> None:
    coded = net.compress(torch.rand(1, 3, 64, 64), quality=100)
    (y,), z = coded["strings"]
    with pytest.raises(BitstreamError):
        net.decompress([[y[: len(y) // 2]], z], coded["shape"], quality=100)


def test_gains_are_the_tables_at_the_trained_rates_and_geometric_between(net: GainedHyperprior) -> None:
    table = net.gain.log_gain.exp()
    at = net.gain(torch.tensor([0.0, 3.0, 3.5, net.num_rates - 1.0]))[:, :, 0, 0]
    assert torch.allclose(at[0], table[0], rtol=1e-3)
    assert torch.allclose(at[1], table[3], rtol=1e-3)
    assert torch.allclose(at[2], (table[3] * table[4]).sqrt(), rtol=1e-3)
    assert torch.allclose(at[3], table[-1], rtol=1e-3)


def test_every_parameter_but_the_quantiles_learns_from_rate_and_distortion(net: GainedHyperprior) -> None:
    output = GainedHyperprior(widths=(16, 16), M=24, N=16, depths=(1, 1, 1)).train()
    result = output(torch.rand(8, 3, 64, 64))
    bits = sum(-p.log2().sum() for p in result["likelihoods"].values())
    (result["x_hat"].square().sum() + bits).backward()
    without = [name for name, parameter in output.named_parameters() if parameter.grad is None]
    assert without == ["entropy_bottleneck.quantiles"]


def test_an_untrained_model_is_an_orthonormal_transform_codec() -> None:
    model = GainedHyperprior(widths=(16, 16), M=24, N=16, depths=(1, 1, 1)).eval()
    basis = model.g_a.linear.weight.detach().flatten(1)
    assert torch.allclose(basis @ basis.T, torch.eye(24), atol=1e-5)
    smooth = torch.linspace(0.2, 0.8, 64).expand(1, 3, 64, 64)
    with torch.no_grad():
        assert (model.g_s(model.g_a(smooth)) - smooth).abs().max() < 0.01


def test_the_model_can_be_made_without_memory_for_its_weights() -> None:
    with torch.device("meta"):
        model = GainedHyperprior()
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
