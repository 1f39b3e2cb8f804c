"""The compact variable-rate hyperprior behind the default codec.

One network serves every rate: gain vectors scale the latents before rounding, and are interpolated between
the rates that they were trained at. One-rate models of papers are in their own files beside this one.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.entropy_models import EntropyBottleneck, GaussianConditional
from latentpress.latent_codecs import (
    GainHyperLatentCodec,
    GainHyperpriorLatentCodec,
    LatentCodec,
    ParameterRefinement,
    RefinedGaussianLatentCodec,
)
from latentpress.layers import ResidualBlock, ResidualBottleneckBlock
from latentpress.models.variable_rate import VariableRateModel, interpolated
from latentpress.registry import register_model

__all__ = ["GainedHyperprior"]

BLOCK = 16  # pixels a side of what one position of the latent covers


class WithLinearPath(nn.Module):
    """A network and a linear map side by side: `network(x) + linear(x)`.

    The sum starts as the linear map alone, since the last layer of the network starts at zero.
    """

    def __init__(self, network: nn.Sequential, linear: nn.Module) -> None:
        super().__init__()
        self.network, self.linear = network, linear
        last = [layer for layer in network if isinstance(layer, nn.Conv2d)][-1]
        for parameter in last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x) + self.linear(x)


def block_transform(channels: int) -> Tensor:
    """Orthonormal basis images for RGB blocks, (channels, 3, 16, 16): a cosine transform in opponent colours.

    Two thirds of the channels are the lowest frequencies of brightness, a sixth those of each colour
    difference.
    """
    n = torch.arange(BLOCK, dtype=torch.float64)
    cosines = torch.cos(math.pi * (n + 0.5) * n[:, None] / BLOCK) * math.sqrt(2 / BLOCK)
    cosines[0] /= math.sqrt(2)
    images = torch.einsum("ui,vj->uvij", cosines, cosines).flatten(0, 1)
    lowest_first = (n[:, None] ** 2 + n**2).flatten().argsort(stable=True)
    colours = torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]], dtype=torch.float64)
    colours /= colours.norm(dim=1, keepdim=True)
    differences = channels // 6
    counts = (channels - 2 * differences, differences, differences)
    planes = [
        images[lowest_first[:count], None] * colour[:, None, None]
        for count, colour in zip(counts, colours, strict=True)
    ]
    return torch.cat(planes).float()


def uneven_groups(channels: int) -> tuple[int, ...]:
    """Sizes of the groups that a latent is coded in: 1, 1, 2, 4 and 4 twelfths of its channels.

    The first, being the lowest frequencies, hold most of the information, and tell most about the rest.
    """
    ends = [round(channels * twelfths / 12) for twelfths in (0, 1, 2, 4, 8, 12)]
    return tuple(end - start for start, end in pairwise(ends))


@register_model("latentpress2026")
class GainedHyperprior(VariableRateModel):
    """Mean-scale hyperprior (Minnen et al., NeurIPS 2018) with gain vectors: any rate from one network.

    The transforms work at strides 4, 8 and 16 only, where a convolution is cheap, and consist of residual
    blocks. Beside each runs a linear path, which starts as a cosine transform of 16x16 blocks: training
    starts from a working transform codec, and the networks add what a linear transform cannot do. The
    hyper-synthesis predicts the logarithm of the scale and the mean of every latent. Latents are coded in a
    few passes, after each of which the predictions for the rest are corrected by what came to light.

    Args:
        widths: channels at strides 4 and 8.
        M: latent channels, at stride 16.
        N: hyper-latent channels, at stride 64.
        depths: residual blocks at strides 4, 8 and 16, in each direction.
        num_rates: gain vectors; quality 1 is the first, quality 100 the last.
        lmbda_range: rate-distortion trade-off (of `lmbda * 255**2 * MSE + bpp`) that qualities 1 and 100 are
            trained for; the qualities between are spaced evenly in its logarithm.

    Example:
        >>> import torch
        >>> from latentpress.models import GainedHyperprior
        >>> net = GainedHyperprior().eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 64, 128), quality=40)
        >>> net.decompress(coded["strings"], coded["shape"], quality=40)["x_hat"].shape
        torch.Size([1, 3, 64, 128])
    """

    def __init__(
        self,
        widths: tuple[int, int] = (64, 128),
        M: int = 192,
        N: int = 96,
        depths: tuple[int, int, int] = (2, 2, 3),
        num_rates: int = 9,
        lmbda_range: tuple[float, float] = (0.0003, 0.25),
    ) -> None:
        super().__init__()
        a, b = widths
        shallow, middle, deep = depths
        self.widths, self.depths, self.M, self.N = widths, depths, M, N
        analysis = nn.Sequential(
            nn.Conv2d(3, a, 8, stride=4, padding=2),
            *(ResidualBlock(a, a) for _ in range(shallow)),
            nn.Conv2d(a, b, 4, stride=2, padding=1),
            *(ResidualBlock(b, b) for _ in range(middle)),
            nn.Conv2d(b, M, 4, stride=2, padding=1),
            *(ResidualBottleneckBlock(M) for _ in range(deep)),
            nn.Conv2d(M, M, 1),
        )
        synthesis = nn.Sequential(
            nn.Conv2d(M, M, 1),
            *(ResidualBottleneckBlock(M) for _ in range(deep)),
            nn.ConvTranspose2d(M, b, 4, stride=2, padding=1),
            *(ResidualBlock(b, b) for _ in range(middle)),
            nn.ConvTranspose2d(b, a, 4, stride=2, padding=1),
            *(ResidualBlock(a, a) for _ in range(shallow)),
            nn.Conv2d(a, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )
        to_latent = nn.Conv2d(3, M, BLOCK, stride=BLOCK)
        from_latent = nn.ConvTranspose2d(M, 3, BLOCK, stride=BLOCK)
        basis = block_transform(M)  # with mid-grey as the origin of the latents
        to_latent.load_state_dict({"weight": basis, "bias": -0.5 * basis.sum((1, 2, 3))})
        from_latent.load_state_dict({"weight": basis, "bias": torch.full((3,), 0.5)})
        self.g_a = WithLinearPath(analysis, to_latent)
        self.g_s = WithLinearPath(synthesis, from_latent)
        self.h_a = nn.Sequential(
            nn.Conv2d(M, N, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(N, N, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(N, N, 4, stride=2, padding=1),
        )
        self.h_s = nn.Sequential(
            nn.ConvTranspose2d(N, N, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(N, 128, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, 2 * M, 3, padding=1),
        )
        self.refinement = ParameterRefinement(uneven_groups(M))
        self.prior = nn.Parameter(torch.zeros(num_rates, 2 * M))  # log-scales and means, to which h_s adds
        self.entropy_bottleneck = EntropyBottleneck(N)
        self.gaussian_conditional = GaussianConditional(None)
        # At high rates a uniform quantiser's error is step**2 / 12, and the step where its derivative
        # balances that of the rate, with three values a pixel, has the error 3 / (2 ln 2 lmbda 255**2).
        lowest, highest = lmbda_range
        lmbdas = [lowest * (highest / lowest) ** (k / (num_rates - 1)) for k in range(num_rates)]
        gains = [math.sqrt(lmbda * 255**2 * 2 * math.log(2) / 36) for lmbda in lmbdas]
        self.set_gains(N, M, lmbda_range, gains)

    def make_latent_codec(self, **options: Any) -> LatentCodec:
        """The codec of the latent at the positions `rate=`, (N,) or (1,), among the gain vectors."""
        return super().make_latent_codec(prior=interpolated(self.prior, options["rate"]), **options)

    def _gained_codec(self, y_gain: Tensor, **options: Any) -> GainHyperpriorLatentCodec:
        y_codec = RefinedGaussianLatentCodec(self.gaussian_conditional, self.refinement, **options)
        hyper_codec = GainHyperLatentCodec(
            self.entropy_bottleneck,
            lambda y: self.h_a(y * y_gain),  # sees what is to be coded, not what the gains are applied to
            self.h_s,
            quantizer="ste",
            exact=True,
        )
        return GainHyperpriorLatentCodec({"y": y_codec, "hyper": hyper_codec})
