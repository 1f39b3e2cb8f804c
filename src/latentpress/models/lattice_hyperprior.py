"""The variable-rate hyperprior that codes low frequencies over ever finer lattices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, cast
from weakref import WeakKeyDictionary

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
from latentpress.latent_codecs.batches import image_by_image
from latentpress.layers import ResidualBlock, ResidualBottleneckBlock
from latentpress.models.gained import BLOCK, WithLinearPath
from latentpress.models.integer_synthesis import IntegerSynthesis, SynthesisProgram
from latentpress.models.variable_rate import VariableRateModel, interpolated
from latentpress.registry import register_model

__all__ = ["LatticeHyperprior"]

GROUPS = (12, 28, 60, 100, 120)
"""Channels of the groups that a latent is coded in, the lowest frequencies first."""


def cosine_transform(channels: int, colour: int = 9) -> Tensor:
    """Orthonormal basis images for RGB blocks, (channels, 3, 16, 16): a cosine transform in opponent colours.

    The planes of brightness and of both colour differences are mixed, lowest frequency first.

    Args:
        channels: how many.
        colour: how much more the square of a frequency counts of a colour difference. With 9, 246 of 320
            images are of brightness, and photographs lose nearly the least that so many cosines can lose.
    """
    n = torch.arange(BLOCK, dtype=torch.float64)
    squares = (n[:, None] ** 2 + n**2).flatten()
    order = torch.cat([squares, colour * squares, colour * squares]).argsort(stable=True)[:channels]
    cosines = torch.cos(math.pi * (n + 0.5) * n[:, None] / BLOCK) * math.sqrt(2 / BLOCK)
    cosines[0] /= math.sqrt(2)
    images = torch.einsum("ui,vj->uvij", cosines, cosines).flatten(0, 1)
    colours = torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]], dtype=torch.float64)
    colours /= colours.norm(dim=1, keepdim=True)
    return torch.einsum("cp,fij->cfpij", colours, images).flatten(0, 1)[order].float()


def groups_of(channels: int) -> tuple[int, ...]:
    """`GROUPS` in proportion for another number of channels, of which there are at least five.

    Example:
        >>> groups_of(320), groups_of(10)
        ((12, 28, 60, 100, 120), (1, 1, 1, 3, 4))
    """
    whole = list(accumulate(GROUPS))
    ends = [max(number, round(channels * end / whole[-1])) for number, end in enumerate(whole, 1)]
    return tuple(end - start for start, end in pairwise([0, *ends]))


@register_model("latentpress2027")
class LatticeHyperprior(VariableRateModel):
    """Mean-scale hyperprior (Minnen et al., NeurIPS 2018) with gain vectors: any rate from one network.

    The transforms work at strides 4, 8 and 16 only, and consist of residual blocks; the synthesis is the
    lighter one, since an image is decoded more often than encoded. Beside each runs a linear path, which
    starts as a cosine transform of 16x16 blocks: training starts from a working transform codec, and the
    networks add what a linear transform cannot do.

    The hyper-synthesis predicts the logarithm of the scale and the mean of every latent. Latents are coded in
    groups, and each group in passes, after each of which the predictions for the rest are corrected. In the
    first group are the lowest frequencies, which cost most where a photograph is smooth: its passes begin at
    every 8th row and column, and halve the distance three times.

    Args:
        M: latent channels, at stride 16; at least 5.
        N: hyper-latent channels, at stride 64.
        num_rates: gain vectors; quality 1 is the first, quality 100 the last.
        lmbda_range: rate-distortion trade-off (of `lmbda * 255**2 * MSE + bpp`) that qualities 1 and 100 are
            trained for; the qualities between are spaced evenly in its logarithm.

    Example:
        >>> import torch
        >>> from latentpress.models import LatticeHyperprior
        >>> net = LatticeHyperprior().eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 64, 128), quality=40)
        >>> net.decompress(coded["strings"], coded["shape"], quality=40)["x_hat"].shape
        torch.Size([1, 3, 64, 128])
    """

    g_s: WithLinearPath
    synthesis_peaks: Tensor

    def __init__(
        self,
        M: int = sum(GROUPS),
        N: int = 96,
        num_rates: int = 9,
        lmbda_range: tuple[float, float] = (0.0003, 0.25),
    ) -> None:
        super().__init__()
        self.M, self.N = M, N
        to_latent = nn.Conv2d(3, M, BLOCK, stride=BLOCK)
        from_latent = nn.ConvTranspose2d(M, 3, BLOCK, stride=BLOCK)
        basis = cosine_transform(M)  # with mid-grey as the origin of the latents
        to_latent.load_state_dict({"weight": basis, "bias": -0.5 * basis.sum((1, 2, 3))})
        from_latent.load_state_dict({"weight": basis, "bias": torch.full((3,), 0.5)})
        self.g_a = WithLinearPath(_analysis(M), to_latent)
        self.g_s = WithLinearPath(_synthesis(M), from_latent)
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
            nn.Conv2d(128, 128, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, 2 * M, 1),
        )
        self.refinement = ParameterRefinement(groups_of(M), hidden=80, levels=3)
        self.prior = nn.Parameter(torch.zeros(num_rates, 2 * M))  # log-scales and means, to which h_s adds
        self.entropy_bottleneck = EntropyBottleneck(N)
        self.gaussian_conditional = GaussianConditional(None)
        # At high rates a uniform quantiser's error is step**2 / 12, and the step where its derivative
        # balances that of the rate, with three values a pixel, has the error 3 / (2 ln 2 lmbda 255**2).
        lowest, highest = lmbda_range
        lmbdas = [lowest * (highest / lowest) ** (k / (num_rates - 1)) for k in range(num_rates)]
        gains = [math.sqrt(lmbda * 255**2 * 2 * math.log(2) / 36) for lmbda in lmbdas]
        self.set_gains(N, M, lmbda_range, gains)
        sizes = self._synthesis_program().channels()
        self.register_buffer("synthesis_peaks", torch.zeros(sum(sizes.values())))
        self.register_load_state_dict_pre_hook(_without_peaks)

    def calibrate(self, x: Tensor, qualities: Sequence[float] = (1, 25, 50, 75, 100)) -> None:
        """Learn from images how large the integers of the synthesis have to be; see `synthesise`.

        Args:
            x: images (N, 3, H, W) in [0, 1], whose sides are multiples of `downsampling_factor`; what earlier
                calls saw counts, too.
            qualities: to code them at.
        """
        program = self._synthesis_program()
        with torch.no_grad():
            y = self.g_a(x)
            for quality in qualities:
                rate = self.rate_of(quality).expand(len(x))
                peaks = program.largest(self.make_latent_codec(rate=rate)(y)["y_hat"])
                self.synthesis_peaks.copy_(torch.maximum(self.synthesis_peaks, peaks))

    def synthesise(self, y_hat: Tensor) -> Tensor:
        """Images of quantised latents (N, M, H, W), as `decompress` gives them but for clamping.

        Once the model is calibrated, CPUs compute this in integers, and the images are the same to the bit on
        all of them; other devices differ by a level here and there.
        """
        if y_hat.device.type != "cpu" or not bool(self.synthesis_peaks.any()):
            return super().synthesise(y_hat)
        state = tuple((p.data_ptr(), p._version) for p in (*self.g_s.parameters(), self.synthesis_peaks))
        made = _made.get(self)
        if made is None or made[0] != state:
            made = _made[self] = state, IntegerSynthesis(self._synthesis_program(), self.synthesis_peaks)
        return image_by_image(made[1], y_hat)

    def _synthesis_program(self) -> SynthesisProgram:
        return SynthesisProgram(self.g_s.network, cast(nn.ConvTranspose2d, self.g_s.linear))

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


_made: WeakKeyDictionary[LatticeHyperprior, tuple[Any, IntegerSynthesis]] = WeakKeyDictionary()
"""Syntheses in integers, with the state of the weights that they were made of."""


def _without_peaks(model: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Accept weights that nobody has calibrated."""
    state.setdefault(f"{prefix}synthesis_peaks", torch.zeros_like(cast(Tensor, model.synthesis_peaks)))


def _analysis(M: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 8, stride=4, padding=2),
        ResidualBlock(64, 64),
        nn.Conv2d(64, 128, 4, stride=2, padding=1),
        ResidualBlock(128, 128),
        nn.Conv2d(128, M, 4, stride=2, padding=1),
        ResidualBottleneckBlock(M),
        ResidualBottleneckBlock(M),
        nn.Conv2d(M, M, 1),
    )


def _synthesis(M: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(M, 192, 1),
        *(ResidualBottleneckBlock(192) for _ in range(3)),
        nn.ConvTranspose2d(192, 96, 4, stride=2, padding=1),
        *(ResidualBlock(96, 96) for _ in range(3)),
        nn.ConvTranspose2d(96, 32, 4, stride=2, padding=1),
        ResidualBlock(32, 32),
        nn.Conv2d(32, 48, 3, padding=1),
        nn.PixelShuffle(4),
    )
