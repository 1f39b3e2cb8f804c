import pytest
import torch

from latentpress.errors import ConfigurationError
from latentpress.losses import RateDistortionLoss
from latentpress.models import (
    JointAutoregressiveHierarchicalPriorsVbr,
    MeanScaleHyperpriorVbr,
    ScaleHyperpriorVbr,
)

CLASSES = (ScaleHyperpriorVbr, MeanScaleHyperpriorVbr, JointAutoregressiveHierarchicalPriorsVbr)


@pytest.fixture(scope="module", params=CLASSES)
def net(request: pytest.FixtureRequest):
    torch.manual_seed(0)
    net = request.param(8, 12).eval()
    with torch.no_grad():
        net.g_a[-1].weight.mul_(3 / net.analyse(torch.rand(1, 3, 64, 64)).std())
    net.update()
    return net


@pytest.mark.parametrize("quality", [1, 37.5, 100])
def test_every_quality_decodes_to_what_the_encoder_saw(net, quality):
    x = torch.rand(2, 3, 64, 128)
    coded = net.compress(x, quality=quality)
    assert tuple(coded["shape"]) == (1, 2)
    found = net.decompress(**coded, quality=quality)["x_hat"]
    codec = net.make_latent_codec(rate=net.rate_of(quality))
    expected = net.g_s(codec.compress(net.analyse(x))["y_hat"]).clamp(0, 1).detach()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_strings_grow_with_quality(net):
    x = torch.rand(1, 3, 64, 128)
    sizes = [len(net.compress(x, quality=quality)["strings"][0][0]) for quality in (1, 25, 50, 75, 100)]
    assert sizes == sorted(set(sizes))


def test_an_image_has_the_same_bytes_in_any_batch(net):
    x = torch.rand(2, 3, 64, 64)
    together = net.compress(x, quality=60)["strings"]
    alone = net.compress(x[1:], quality=60)["strings"]
    assert alone == [[latent[1]] for latent in together]


@pytest.mark.parametrize("quality", [0, 0.99, 100.5, -3])
def test_qualities_out_of_range_are_refused(net, quality):
    with pytest.raises(ConfigurationError, match="from 1 to 100"):
        net.compress(torch.rand(1, 3, 64, 64), quality=quality)


def test_training_at_random_rates_gives_every_gain_a_gradient(net):
    net = type(net)(8, 12, num_rates=3).train()
    x = torch.rand(4, 3, 64, 64)
    out = net(x, rate=torch.tensor([0.0, 0.5, 1.5, 2.0]))
    assert out["lmbda"].shape == (4,)
    assert out["lmbda"][0].item() == pytest.approx(0.0018)
    assert out["lmbda"][-1].item() == pytest.approx(0.18)
    RateDistortionLoss()(out, x)["loss"].backward()
    net.aux_loss().backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []
    assert set(net(x)["likelihoods"]) == {"y", "z"}


def test_a_model_is_rebuilt_with_its_number_of_rates(net):
    original = type(net)(8, 12, num_rates=5)
    rebuilt = type(net).from_state_dict(original.state_dict())
    assert rebuilt.num_rates == 5
    assert rebuilt.state_dict().keys() == original.state_dict().keys()


def test_the_autoregressive_model_takes_either_order_at_any_quality():
    net = JointAutoregressiveHierarchicalPriorsVbr(8, 12).eval()
    net.update()
    x = torch.rand(1, 3, 64, 64)
    decoded = []
    for order in net.stream_orders:
        coded = net.compress(x, quality=80, order=order)
        decoded.append(net.decompress(**coded, quality=80, order=order)["x_hat"])
    assert torch.equal(*decoded)
