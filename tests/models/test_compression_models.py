"""What all models do alike: code, decode, train, survive copying, and keep their parts replaceable."""

import copy
import pickle

import pytest
import torch
from torch import nn

from latentpress.entropy_models import EntropyBottleneck
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs import EntropyBottleneckLatentCodec
from latentpress.latent_codecs.batches import image_by_image
from latentpress.losses import RateDistortionLoss
from latentpress.models import (
    Cheng2020Anchor,
    Cheng2020AnchorCheckerboard,
    Cheng2020Attention,
    CompressionModel,
    Elic2022Official,
    FactorizedPrior,
    FactorizedPriorReLU,
    JointAutoregressiveHierarchicalPriors,
    MeanScaleHyperprior,
    ScaleHyperprior,
    SimpleVAECompressionModel,
    get_scale_table,
)
from latentpress.models.utils import conv, deconv

SMALL = {
    FactorizedPrior: (16, 24),
    FactorizedPriorReLU: (16, 24),
    ScaleHyperprior: (16, 24),
    MeanScaleHyperprior: (16, 24),
    JointAutoregressiveHierarchicalPriors: (16, 24),
    Cheng2020Anchor: (8,),
    Cheng2020Attention: (8,),
    Cheng2020AnchorCheckerboard: (8,),
    Elic2022Official: (8, 12, (2, 4, 6)),
}
# One of each way of coding, for what takes long.
KINDS = (FactorizedPrior, ScaleHyperprior, JointAutoregressiveHierarchicalPriors)
# Their coder rounds about means that depend on what was coded before, which the forward pass does not know.
SEQUENTIAL = (JointAutoregressiveHierarchicalPriors,)


def _lively(net: CompressionModel) -> CompressionModel:
    """`net` with latents of magnitude 3 or so, so that coding has something to code."""
    last = [module for module in net.g_a.modules() if isinstance(module, nn.Conv2d)][-1]
    with torch.no_grad():
        last.weight.mul_(3 / net.analyse(torch.rand(1, 3, 64, 64)).std())
    return net


@pytest.fixture(scope="module", params=SMALL)
def net(request: pytest.FixtureRequest) -> CompressionModel:
    torch.manual_seed(0)
    net = _lively(request.param(*SMALL[request.param])).eval()
    net.update()
    return net


@pytest.mark.parametrize("size", [(64, 64), (128, 64)])
def test_decoding_gives_what_the_forward_pass_gives(net, size):
    x = torch.rand(2, 3, *size)
    coded = net.compress(x)
    found = net.decompress(coded["strings"], coded["shape"])["x_hat"]
    with torch.no_grad():
        expected = net(x)["x_hat"].clamp(0, 1)
    assert found.shape == x.shape
    if isinstance(net, SEQUENTIAL):
        expected = net.g_s(net.make_latent_codec().compress(net.analyse(x))["y_hat"]).clamp(0, 1).detach()
    # A latent on a rounding boundary may fall to either side.
    assert ((found - expected).abs() < 1e-4).float().mean() > 0.99


def test_images_get_the_same_strings_in_any_batch_and_layout(net):
    x = torch.rand(3, 3, 64, 128)
    together = net.compress(x)
    assert net.compress(x.to(memory_format=torch.channels_last)) == together
    for index in range(3):
        alone = net.compress(x[index : index + 1])
        assert alone["strings"] == [[latent[index]] for latent in together["strings"]]
        assert alone["shape"] == together["shape"]


def test_any_number_of_threads_decodes_the_strings_of_any_other(net):
    x = torch.rand(1, 3, 128, 192)
    before = torch.get_num_threads()
    try:
        for writer in (1, 2, 3):
            torch.set_num_threads(writer)
            coded = net.make_latent_codec().compress(net.g_a(x).detach())
            for reader in (1, 2, 3):
                torch.set_num_threads(reader)
                decoded = net.make_latent_codec().decompress(coded["strings"], coded["shape"])
                assert torch.equal(decoded["y_hat"], coded["y_hat"])
    finally:
        torch.set_num_threads(before)


def test_decoded_images_are_ordinary_tensors_in_range(net):
    coded = net.compress(torch.rand(1, 3, 64, 64))
    x_hat = net.decompress(**coded)["x_hat"]
    assert x_hat.min() >= 0
    assert x_hat.max() <= 1
    assert x_hat.is_contiguous()
    assert not x_hat.is_inference()
    x_hat.clamp_(0.1, 0.9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_models_of_other_types_decode_what_they_coded(net, dtype):
    net, x = copy.deepcopy(net).to(dtype), torch.rand(2, 3, 64, 64, dtype=dtype)
    before = torch.get_num_threads()
    coded = net.compress(x)
    as_codec = net.make_latent_codec().compress(net.analyse(x))
    latent = as_codec["y_hat"]
    with torch.inference_mode():
        expected = image_by_image(net.g_s, latent).clamp(0, 1)
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            decoded = net.make_latent_codec().decompress(as_codec["strings"], as_codec["shape"])
            assert torch.equal(decoded["y_hat"], latent)
            x_hat = net.decompress(**coded)["x_hat"]
            assert x_hat.dtype == dtype
            torch.testing.assert_close(x_hat, expected)
            for index in range(2):
                strings = [[latents[index]] for latents in coded["strings"]]
                assert torch.equal(net.decompress(strings, coded["shape"])["x_hat"], x_hat[index : index + 1])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(net.decompress(**coded)["x_hat"], expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_models_of_half_precision_compute_in_single_on_cpus(net, dtype):
    net, x = copy.deepcopy(net).to(dtype), torch.rand(2, 3, 64, 64, dtype=dtype)
    coded = net.compress(x)
    latent = net.make_latent_codec().compress(net.analyse(x))["y_hat"]
    single = copy.deepcopy(net).float()
    assert torch.equal(net.analyse(x), single.analyse(x.float()).to(dtype))
    with torch.inference_mode():
        expected = image_by_image(single.g_s, latent.float()).to(dtype).clamp(0, 1)
    assert torch.equal(net.decompress(**coded)["x_hat"], expected)


def test_changed_weights_of_half_precision_are_noticed():
    net, x = torch.nn.Conv2d(3, 4, 3).half(), torch.rand(1, 3, 8, 8).half()
    with torch.no_grad():
        before = image_by_image(net, x)
        net.weight.mul_(1.5)
        after = image_by_image(net, x)
        assert not torch.equal(before, after)
        assert torch.equal(after, image_by_image(copy.deepcopy(net).float(), x.float()).half())


def test_damaged_strings_raise_bitstream_errors(net):
    coded = net.compress(torch.rand(1, 3, 64, 64))
    for index in range(len(coded["strings"])):
        strings = [list(latent) for latent in coded["strings"]]
        strings[index][0] = strings[index][0][:-4]
        with pytest.raises(BitstreamError):
            net.decompress(strings, coded["shape"])
    with pytest.raises(BitstreamError, match="strings of"):
        net.decompress([], coded["shape"])


def test_coding_before_update_says_what_to_do(net):
    fresh = type(net)(*SMALL[type(net)])
    with pytest.raises(ConfigurationError, match="update"):
        fresh.compress(torch.rand(1, 3, 64, 64))


def test_copies_and_pickles_code_alike(net):
    x = torch.rand(1, 3, 64, 64)
    expected = net.compress(x)
    assert copy.deepcopy(net).compress(x) == expected
    assert pickle.loads(pickle.dumps(net)).compress(x) == expected


def test_training_gives_every_parameter_a_gradient(net):
    net = copy.deepcopy(net).train()
    x = torch.rand(1, 3, 64, 64)
    RateDistortionLoss()(net(x), x)["loss"].backward()
    net.aux_loss().backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_step_in_bfloat16_lowers_the_loss(kind):
    net = kind(*SMALL[kind]).train()
    optimizer = torch.optim.Adam([p for n, p in net.named_parameters() if not n.endswith("quantiles")], 1e-3)
    criterion, x, losses = RateDistortionLoss(lmbda=0.1), torch.rand(1, 3, 64, 64), []
    for _ in range(4):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = net(x)
            loss = criterion(out, x)["loss"]
        assert out["x_hat"].dtype == torch.bfloat16
        assert loss.dtype == torch.float32
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_compiles_as_one_graph(kind):
    net = kind(*SMALL[kind]).eval()
    x = torch.rand(1, 3, 64, 64)
    torch._dynamo.reset()
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x)["x_hat"], net(x)["x_hat"])
    net.train()
    RateDistortionLoss()(compiled(x), x)["loss"].backward()
    assert net.g_a[0].weight.grad is not None


@pytest.mark.slow
@pytest.mark.parametrize("kind", SMALL)
def test_the_model_trains_with_the_default_compiler(kind):
    net, x = kind(*SMALL[kind]).train(), torch.rand(1, 3, 64, 64)
    torch._dynamo.reset()
    RateDistortionLoss()(torch.compile(net)(x), x)["loss"].backward()
    assert next(net.g_a.parameters()).grad is not None


@pytest.mark.parametrize("name", ["h_a", "h_s"])
def test_a_replaced_transform_is_used_from_then_on(name):
    net = _lively(MeanScaleHyperprior(8, 12)).eval()
    net.update()
    x = torch.rand(1, 3, 64, 64)
    before = net.compress(x)
    with torch.no_grad():
        likelihoods = net(x)["likelihoods"]["y"]
    replacement = copy.deepcopy(net.get_submodule(name))
    for parameter in replacement.parameters():
        nn.init.normal_(parameter, std=0.3)
    setattr(net, name, replacement)
    after = net.compress(x)
    assert after["strings"] != before["strings"]
    assert net.decompress(**after)["x_hat"].shape == x.shape
    with torch.no_grad():
        assert not torch.equal(net(x)["likelihoods"]["y"], likelihoods)


def test_a_subclass_may_replace_the_transforms():
    class Small(ScaleHyperprior):
        def __init__(self) -> None:
            super().__init__(N=4, M=6)
            self.g_a = nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 6))
            self.g_s = nn.Sequential(deconv(6, 8), nn.ReLU(), deconv(8, 3))

    net = Small().eval()
    net.update()
    x = torch.rand(1, 3, 32, 48)
    coded = net.compress(x)
    assert net.decompress(**coded)["x_hat"].shape == x.shape


def test_sides_that_do_not_fit_are_refused():
    net = ScaleHyperprior(8, 12).eval()
    net.update()
    with pytest.raises(ConfigurationError, match="multiples"):
        net.compress(torch.rand(1, 3, 100, 64))


def test_a_model_of_transforms_and_a_codec_needs_no_more():
    class Network(SimpleVAECompressionModel):
        def __init__(self) -> None:
            super().__init__()
            self.g_a, self.g_s = conv(3, 8), deconv(8, 3)
            self.latent_codec = EntropyBottleneckLatentCodec(channels=8)

    net = Network().eval()
    assert net.update()
    x = torch.rand(1, 3, 16, 32)
    coded = net.compress(x)
    torch.testing.assert_close(net.decompress(**coded)["x_hat"], net(x)["x_hat"].clamp(0, 1))
    assert set(net(x)["likelihoods"]) == {"y"}


def test_update_makes_tables_once_unless_forced():
    net = ScaleHyperprior(8, 12)
    assert net.update()
    assert not net.update()
    assert net.update(force=True)
    assert net.update(scale_table=get_scale_table(0.2, 8, 5), force=True)
    assert net.gaussian_conditional.quantized_cdf.shape[0] == 5


def test_update_can_bring_the_quantiles_to_their_targets():
    net = FactorizedPrior(8, 12)
    assert net.aux_loss() > 1
    net.update(update_quantiles=True)
    assert net.aux_loss() < 0.1


def test_the_auxiliary_loss_sums_over_all_bottlenecks():
    class Two(CompressionModel):
        def __init__(self) -> None:
            super().__init__(entropy_bottleneck_channels=4)
            self.other = nn.Sequential(EntropyBottleneck(3))

    net = Two()
    expected = net.entropy_bottleneck.loss() + net.other[0].loss()
    torch.testing.assert_close(net.aux_loss(), expected)
    assert CompressionModel().aux_loss() == 0


def test_the_default_scales_run_from_the_smallest_to_the_largest_table():
    table = get_scale_table()
    assert table.shape == (64,)
    assert table[0].item() == pytest.approx(0.11)
    assert table[-1].item() == pytest.approx(256)
    ratios = table[1:] / table[:-1]
    torch.testing.assert_close(ratios, ratios.mean().expand(63), rtol=1e-5, atol=0)
