"""Coding in passes under Gaussians that each pass corrects."""

import pytest
import torch

from latentpress.entropy_models import GaussianConditional
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs import ParameterRefinement, RefinedGaussianLatentCodec
from latentpress.models import get_scale_table

GROUPS = (1, 3)


def _codec(groups: tuple[int, ...] = GROUPS, levels: int = 0) -> RefinedGaussianLatentCodec:
    torch.manual_seed(0)
    conditional = GaussianConditional(None)
    conditional.update_scale_table(get_scale_table())
    codec = RefinedGaussianLatentCodec(conditional, ParameterRefinement(groups, hidden=8, levels=levels))
    for parameter in codec.parameters():  # corrections start at zero, and would prove nothing
        torch.nn.init.uniform_(parameter, -0.3, 0.3)
    return codec.eval()


def _latent(count: int = 2, height: int = 6, width: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    return 3 * torch.randn(count, 4, height, width), torch.randn(count, 8, height, width)


@pytest.mark.parametrize("levels", [0, 1, 3])
@pytest.mark.parametrize("size", [(6, 8), (5, 7), (1, 2), (1, 1)])
def test_decoding_gives_what_the_encoder_says_and_the_forward_pass_gives(size, levels) -> None:
    codec = _codec(levels=levels)
    y, params = _latent(2, *size)
    coded = codec.compress(y, params)
    decoded = codec.decompress(coded["strings"], coded["shape"], params)
    assert torch.equal(decoded["y_hat"], coded["y_hat"])
    with torch.no_grad():
        torch.testing.assert_close(codec(y, params)["y_hat"], coded["y_hat"], rtol=0, atol=1e-4)
    assert ((coded["y_hat"] - y).abs() <= 0.5 + 1e-5).all()


def test_images_get_the_same_string_alone_and_in_a_batch_and_from_any_layout() -> None:
    codec = _codec()
    y, params = _latent(3)
    (together,) = codec.compress(y, params)["strings"]
    assert codec.compress(y, params.to(memory_format=torch.channels_last))["strings"] == [together]
    for index in range(3):
        alone = codec.compress(y[index : index + 1], params[index : index + 1])["strings"]
        assert alone == [[together[index]]]


def test_the_length_of_a_string_is_what_the_likelihoods_say() -> None:
    codec = _codec()
    _, params = _latent(1, 32, 32)
    log_scales, means = params.chunk(2, dim=1)
    y = means + log_scales.exp() * torch.randn_like(means)
    bits = -codec(y, params)["likelihoods"]["y"].log2().sum().item()
    (string,) = codec.compress(y, params)["strings"][0]
    assert bits / 8 == pytest.approx(len(string), rel=0.02)


def test_what_is_known_changes_the_parameters_of_what_comes_after_but_of_nothing_before() -> None:
    codec = _codec()
    y, params = _latent(1)
    with torch.no_grad():
        before = codec(y, params)["likelihoods"]["y"]
        changed = y.clone()
        changed[0, 1, 3, 4] += 5  # second group, of the second colour: the last pass
        after = codec(changed, params)["likelihoods"]["y"]
        assert (before != after).nonzero().tolist() == [[0, 1, 3, 4]]
        changed = y.clone()
        changed[0, 0, 3, 3] += 5  # first group, of the first colour: the first pass
        after = codec(changed, params)["likelihoods"]["y"]
    differs = (before != after)[0]
    assert differs[0].nonzero().tolist() == [[2, 3], [3, 2], [3, 3], [3, 4], [4, 3]]
    assert differs[1:].any()
    assert not differs[:, 0].any()  # the first row is further away than all passes reach


def test_corrections_start_at_zero() -> None:
    conditional = GaussianConditional([0.11, 1.0, 4.0]).eval()
    codec = RefinedGaussianLatentCodec(conditional, ParameterRefinement(GROUPS)).eval()
    y, params = _latent(1)
    log_scales, means = params.chunk(2, dim=1)
    expected = conditional(y, log_scales.exp(), means=means)[1]
    torch.testing.assert_close(codec(y, params)["likelihoods"]["y"], expected)


def test_training_gives_every_parameter_a_gradient() -> None:
    codec = _codec().train()
    y, params = _latent()
    out = codec(y.requires_grad_(), params.requires_grad_())
    (out["y_hat"].square().sum() - out["likelihoods"]["y"].log().sum()).backward()
    assert y.grad is not None
    assert params.grad is not None
    assert [name for name, parameter in codec.named_parameters() if parameter.grad is None] == []


def test_damaged_strings_and_wrong_channels_are_errors() -> None:
    codec = _codec()
    y, params = _latent(1)
    ((string,),) = codec.compress(y, params)["strings"]
    for damaged in (string[:-4], string + bytes(4), string[:5]):
        with pytest.raises(BitstreamError):
            codec.decompress([[damaged]], (6, 8), params)
    with pytest.raises(ConfigurationError, match="4 channels"):
        codec.compress(torch.zeros(1, 3, 6, 8), torch.zeros(1, 6, 6, 8))
    with pytest.raises(ConfigurationError, match="at least one channel"):
        ParameterRefinement((2, 0))
