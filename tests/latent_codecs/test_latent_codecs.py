import pytest
import torch
from torch import nn

from latentpress.entropy_models import EntropyBottleneck, GaussianConditional
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs import (
    EntropyBottleneckLatentCodec,
    GaussianConditionalLatentCodec,
    HyperLatentCodec,
    HyperpriorLatentCodec,
    LatentCodec,
)
from latentpress.models import get_scale_table


def _hyperprior(quantizer: str = "noise") -> HyperpriorLatentCodec:
    h_a, h_s = nn.Conv2d(6, 4, 5, stride=2, padding=2), nn.ConvTranspose2d(4, 12, 4, stride=2, padding=1)
    codec = HyperpriorLatentCodec(
        {
            "y": GaussianConditionalLatentCodec(entropy_parameters=nn.Conv2d(12, 12, 1), quantizer=quantizer),
            "hyper": HyperLatentCodec(EntropyBottleneck(4), h_a, h_s, quantizer=quantizer),
        }
    ).eval()
    codec["y"].gaussian_conditional.update_scale_table(get_scale_table())
    codec["hyper"].entropy_bottleneck.update()
    return codec


def test_a_bottleneck_codec_decodes_what_it_coded():
    codec = EntropyBottleneckLatentCodec(channels=6).eval()
    codec.entropy_bottleneck.update()
    y = 5 * torch.randn(2, 6, 4, 8)
    coded = codec.compress(y)
    assert len(coded["strings"]) == 1
    assert len(coded["strings"][0]) == 2
    assert tuple(coded["shape"]) == (4, 8)
    assert torch.equal(codec.decompress(coded["strings"], coded["shape"])["y_hat"], coded["y_hat"])
    assert torch.equal(codec(y)["y_hat"], coded["y_hat"])


@pytest.mark.parametrize("chunks", [("scales", "means"), ("means", "scales"), ("scales",)])
def test_a_gaussian_codec_decodes_what_it_coded(chunks):
    codec = GaussianConditionalLatentCodec(scale_table=get_scale_table(), chunks=chunks).eval()
    codec.gaussian_conditional.update()
    y, params = 3 * torch.randn(2, 6, 4, 8), torch.randn(2, 6 * len(chunks), 4, 8)
    coded = codec.compress(y, params)
    decoded = codec.decompress(coded["strings"], coded["shape"], params)
    assert torch.equal(decoded["y_hat"], coded["y_hat"])
    assert torch.equal(codec(y, params)["y_hat"], coded["y_hat"])


def test_chunks_say_which_channels_are_means():
    scales, means = torch.full((1, 2, 1, 1), 0.5), torch.full((1, 2, 1, 1), 7.25)
    y = torch.full((1, 2, 1, 1), 7.0)
    forwards = GaussianConditionalLatentCodec(chunks=("scales", "means")).eval()
    backwards = GaussianConditionalLatentCodec(chunks=("means", "scales")).eval()
    out = forwards(y, torch.cat([scales, means], 1))
    assert torch.equal(out["y_hat"], means)
    assert torch.equal(backwards(y, torch.cat([means, scales], 1))["y_hat"], means)


def test_a_hyperprior_codec_decodes_what_it_coded():
    codec = _hyperprior()
    y = 3 * torch.randn(2, 6, 8, 4)
    coded = codec.compress(y)
    assert [len(strings) for strings in coded["strings"]] == [2, 2]
    assert {name: tuple(shape) for name, shape in coded["shape"].items()} == {"y": (8, 4), "hyper": (4, 2)}
    assert torch.equal(codec.decompress(coded["strings"], coded["shape"])["y_hat"], coded["y_hat"])


def test_images_get_the_same_strings_alone_and_in_a_batch():
    codec, y = _hyperprior(), 3 * torch.randn(3, 6, 8, 4)
    together = codec.compress(y)["strings"]
    for index in range(3):
        alone = codec.compress(y[index : index + 1])["strings"]
        assert alone == [[latent[index]] for latent in together]


def test_the_bits_of_the_forward_pass_are_those_of_the_strings():
    codec, y = _hyperprior(), 10 * torch.randn(1, 6, 32, 32)
    with torch.no_grad():
        codec["y"].entropy_parameters.bias[:6] = 10  # scales that fit y
    bits = sum(-likelihoods.log2().sum() for likelihoods in codec(y)["likelihoods"].values())
    size = sum(8 * len(string) for (string,) in codec.compress(y)["strings"])
    assert size == pytest.approx(bits.item(), rel=0.05)


@pytest.mark.parametrize("quantizer", ["noise", "ste"])
def test_training_gives_every_parameter_a_gradient(quantizer):
    codec = _hyperprior(quantizer).train()
    y = torch.randn(1, 6, 8, 4, requires_grad=True)
    out = codec(y)
    rate = -sum(likelihoods.log().sum() for likelihoods in out["likelihoods"].values())
    (rate + out["y_hat"].square().sum()).backward()
    assert y.grad is not None
    missing = [name for name, parameter in codec.named_parameters() if parameter.grad is None]
    assert missing == ["hyper.entropy_bottleneck.quantiles"]


def test_straight_through_rounding_reaches_the_synthesis_in_training():
    params = torch.cat([torch.ones(1, 2, 4, 4), torch.full((1, 2, 4, 4), 0.25)], 1)
    codec = GaussianConditionalLatentCodec(quantizer="ste").train()
    y_hat = codec(torch.randn(1, 2, 4, 4), params)["y_hat"]
    assert torch.equal((y_hat - 0.25).round(), y_hat - 0.25)


def test_parts_are_submodules_under_their_names():
    keys = _hyperprior().state_dict()
    assert "y.entropy_parameters.weight" in keys
    assert "y.gaussian_conditional.scale_table" in keys
    assert "hyper.h_a.weight" in keys
    assert "hyper.entropy_bottleneck.quantiles" in keys


@pytest.mark.parametrize("strings", [[], [[b""]], [[b"", b""], [b""]]])
def test_strings_of_the_wrong_structure_are_refused(strings):
    with pytest.raises(BitstreamError):
        _hyperprior().decompress(strings, {"y": None, "hyper": (1, 1)})


def test_a_latent_that_does_not_fit_its_side_information_is_refused():
    with pytest.raises(ConfigurationError, match="multiples"):
        _hyperprior().compress(torch.randn(1, 6, 7, 4))


@pytest.mark.parametrize(
    "make",
    [
        lambda: GaussianConditionalLatentCodec(quantizer="round"),
        lambda: GaussianConditionalLatentCodec(chunks=("means",)),
        lambda: HyperLatentCodec(EntropyBottleneck(1), nn.Identity(), nn.Identity(), quantizer="round"),
        lambda: HyperpriorLatentCodec({"y": GaussianConditionalLatentCodec()}),
    ],
)
def test_invalid_constructor_arguments_are_refused(make):
    with pytest.raises(ConfigurationError):
        make()


def test_a_codec_of_ones_own_only_defines_the_three_methods():
    class Rounding(LatentCodec):
        def forward(self, y):
            return {"likelihoods": {"y": torch.ones_like(y)}, "y_hat": y.round()}

    codec = HyperpriorLatentCodec(
        {
            "y": GaussianConditionalLatentCodec(gaussian_conditional=GaussianConditional(None)),
            "hyper": Rounding(),
        }
    )
    assert isinstance(codec["hyper"], Rounding)
    with pytest.raises(NotImplementedError, match="Rounding"):
        Rounding().compress(torch.zeros(1, 1, 1, 1))
