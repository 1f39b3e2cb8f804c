"""The variable-rate model over lattices, and its synthesis in integers."""

import copy

import pytest
import torch

from latentpress.errors import ConfigurationError
from latentpress.models import LatticeHyperprior
from latentpress.models.integer_synthesis import LEVELS, IntegerSynthesis, SynthesisProgram


@pytest.fixture(scope="module")
def net() -> LatticeHyperprior:
    torch.manual_seed(0)
    model = LatticeHyperprior(M=208, N=16).eval()
    for parameter in model.g_s.network[-2].parameters():  # starts at zero, which would prove nothing
        torch.nn.init.normal_(parameter, std=0.02)
    model.update(update_quantiles=True)
    return model


@pytest.fixture(scope="module")
def calibrated(net: LatticeHyperprior) -> LatticeHyperprior:
    model = copy.deepcopy(net)
    model.calibrate(_images(), qualities=(1, 100))
    return model


def _images() -> torch.Tensor:
    torch.manual_seed(1)
    smooth = torch.nn.functional.interpolate(torch.rand(2, 3, 5, 7), (64, 128), mode="bilinear")
    return (smooth + 0.05 * torch.randn(2, 3, 64, 128)).clamp(0, 1)


@pytest.mark.parametrize("quality", [1, 37.5, 100])
def test_decoding_gives_what_the_forward_pass_predicts(net: LatticeHyperprior, quality: float) -> None:
    x = _images()
    coded = net.compress(x, quality=quality)
    decoded = net.decompress(coded["strings"], coded["shape"], quality=quality)["x_hat"]
    with torch.no_grad():
        expected = net(x, quality=quality)["x_hat"].clamp(0, 1)
    assert torch.allclose(decoded, expected, atol=1e-4)


def test_an_untrained_model_is_an_orthonormal_transform_codec() -> None:
    model = LatticeHyperprior().eval()
    basis = model.g_a.linear.weight.detach().flatten(1)
    assert torch.allclose(basis @ basis.T, torch.eye(model.M), atol=1e-5)
    x = torch.linspace(0.2, 0.8, 64).expand(1, 3, 64, 64)
    with torch.no_grad():
        assert (model.g_s(model.g_a(x)) - x).abs().max() < 0.01


def test_integers_give_the_image_that_floats_give(calibrated: LatticeHyperprior) -> None:
    x = _images()
    coded = calibrated.compress(x, quality=60)
    decoded = calibrated.decompress(coded["strings"], coded["shape"], quality=60)["x_hat"]
    with torch.no_grad():
        expected = calibrated(x, quality=60)["x_hat"].clamp(0, 1)
    assert (decoded - expected).abs().max() < 1 / 255
    assert (decoded - expected).square().mean() < 1e-7
    assert torch.equal((decoded * LEVELS).round() / LEVELS, decoded)


def test_all_kernels_and_numbers_of_threads_give_the_same_pixels(calibrated: LatticeHyperprior) -> None:
    program = SynthesisProgram(calibrated.g_s.network, calibrated.g_s.linear)
    synthesis = IntegerSynthesis(program, calibrated.synthesis_peaks)
    with torch.no_grad():
        y = calibrated.g_a(_images())[:1]
    expected, threads = synthesis(y), torch.get_num_threads()
    for kernels in ("amx", "avx512", "avx2", "neon", "portable"):
        assert torch.equal(synthesis(y, kernels), expected)
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            assert torch.equal(synthesis(y), expected)
    finally:
        torch.set_num_threads(threads)


def test_new_weights_are_not_computed_with_old_integers(calibrated: LatticeHyperprior) -> None:
    model = copy.deepcopy(calibrated)
    y = torch.randn(1, model.M, 4, 4)
    before = model.synthesise(y)
    with torch.no_grad():
        model.g_s.linear.bias += 0.25
    assert torch.allclose(model.synthesise(y), before + 0.25, atol=2 / LEVELS)


def test_latents_beyond_all_that_was_seen_and_not_numbers_give_some_image(
    calibrated: LatticeHyperprior,
) -> None:
    y = torch.full((1, calibrated.M, 4, 4), 1e30)
    y[0, :, 0, 0], y[0, :, 1, 1] = float("nan"), -float("inf")
    assert calibrated.synthesise(y).isfinite().all()


def test_weights_without_peaks_load_and_are_computed_in_floats(net: LatticeHyperprior) -> None:
    state = {key: value for key, value in net.state_dict().items() if key != "synthesis_peaks"}
    model = LatticeHyperprior(M=208, N=16).eval()
    model.load_state_dict(state)
    y = torch.randn(1, model.M, 4, 4)
    with torch.no_grad():
        assert torch.allclose(model.synthesise(y), model.g_s(y), atol=1e-5)


def test_layers_that_integers_cannot_compute_are_named() -> None:
    model = LatticeHyperprior(M=208, N=16)
    model.g_s.network[0] = torch.nn.Conv2d(208, 192, 5, padding=2)
    with pytest.raises(ConfigurationError, match="1x1"):
        IntegerSynthesis(SynthesisProgram(model.g_s.network, model.g_s.linear), model.synthesis_peaks)
    model.g_s.network[0] = torch.nn.Sigmoid()
    with pytest.raises(ConfigurationError, match="Sigmoid"):
        SynthesisProgram(model.g_s.network, model.g_s.linear)
