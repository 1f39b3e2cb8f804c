"""The tutorial "a model of your own", as its reader would type it."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim

from latentpress.entropy_models import EntropyBottleneck
from latentpress.layers import GDN
from latentpress.models import CompressionModel
from latentpress.models.utils import conv, deconv


class Network(CompressionModel):
    def __init__(self, N: int = 128) -> None:
        super().__init__()
        self.entropy_bottleneck = EntropyBottleneck(N)
        self.encode = nn.Sequential(conv(3, N), GDN(N), conv(N, N), GDN(N), conv(N, N))
        self.decode = nn.Sequential(
            deconv(N, N), GDN(N, inverse=True), deconv(N, N), GDN(N, inverse=True), deconv(N, 3)
        )

    def forward(self, x):
        y = self.encode(x)
        y_hat, y_likelihoods = self.entropy_bottleneck(y)
        x_hat = self.decode(y_hat)
        return x_hat, y_likelihoods


def _tiny_images(count: int) -> torch.Tensor:
    """Smooth gradients in random directions and colours, (count, 3, 32, 32)."""
    axis = torch.linspace(0, 1, 32)
    direction, colour = torch.rand(count, 1, 1, 1), torch.rand(count, 3, 1, 1)
    return colour * (direction * axis[:, None] + (1 - direction) * axis)


@pytest.fixture(scope="module")
def trained() -> tuple[Network, list[float], list[float]]:
    torch.manual_seed(0)
    net = Network()
    x = _tiny_images(2)

    parameters = {name for name, p in net.named_parameters() if not name.endswith(".quantiles")}
    aux_parameters = {name for name, p in net.named_parameters() if name.endswith(".quantiles")}
    params_dict = dict(net.named_parameters())
    assert len(parameters & aux_parameters) == 0
    assert parameters | aux_parameters == params_dict.keys()
    optimizer = optim.Adam((params_dict[name] for name in sorted(parameters)), lr=3e-4)
    aux_optimizer = optim.Adam((params_dict[name] for name in sorted(aux_parameters)), lr=1e-2)

    lmbda, losses, aux_losses = 0.01 * 255**2, [], []
    for _ in range(20):
        optimizer.zero_grad()
        aux_optimizer.zero_grad()

        x_hat, y_likelihoods = net(x)

        N, _, H, W = x.size()
        num_pixels = N * H * W
        bpp_loss = torch.log(y_likelihoods).sum() / (-math.log(2) * num_pixels)
        mse_loss = F.mse_loss(x, x_hat)
        loss = mse_loss * lmbda + bpp_loss
        loss.backward()
        optimizer.step()

        aux_loss = net.aux_loss()
        aux_loss.backward()
        aux_optimizer.step()
        losses.append(loss.item())
        aux_losses.append(aux_loss.item())
    return net, losses, aux_losses


def test_the_training_loop_lowers_the_rate_distortion_loss(trained):
    _, losses, _ = trained
    assert losses[-1] < 0.6 * losses[0]


def test_the_second_optimiser_lowers_the_auxiliary_loss(trained):
    _, _, aux_losses = trained
    assert aux_losses[-1] < aux_losses[0]
    assert all(later < earlier for earlier, later in pairwise(aux_losses))


def test_the_trained_bottleneck_compresses_and_decompresses(trained):
    net, _, _ = trained
    net.eval()
    x = _tiny_images(2)
    net.update(force=True)
    with torch.no_grad():
        y = net.encode(x)
        strings = net.entropy_bottleneck.compress(y)
        shape = y.size()[2:]
        y_hat = net.entropy_bottleneck.decompress(strings, shape)
        x_hat = net.decode(y_hat)
        expected, likelihoods = net(x)
    assert len(strings) == 2
    torch.testing.assert_close(x_hat, expected)
    bits = -likelihoods.log2().sum().item()
    # A string ends with the coder's state of 64 bits, of which half is overhead.
    assert sum(8 * len(string) for string in strings) == pytest.approx(bits, abs=0.02 * bits + 2 * 64)
