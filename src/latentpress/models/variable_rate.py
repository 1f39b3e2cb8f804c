"""Hyperprior models of which one network serves every rate, by gain vectors about the quantiser (Cui et al.,
"Asymmetric gained deep image compression with continuous rate adaptation", CVPR 2021)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.latent_codecs import GainHyperLatentCodec, GainHyperpriorLatentCodec, LatentCodec
from latentpress.latent_codecs.exact import exact_exp
from latentpress.models.autoregressive import JointAutoregressiveHierarchicalPriors
from latentpress.models.hyperprior import HyperpriorModel, MeanScaleHyperprior, ScaleHyperprior
from latentpress.registry import register_model

__all__ = [
    "GainVectors",
    "JointAutoregressiveHierarchicalPriorsVbr",
    "MeanScaleHyperpriorVbr",
    "ScaleHyperpriorVbr",
    "VariableRateModel",
]

QUALITIES = (1.0, 100.0)
LMBDA_RANGE = (0.0018, 0.18)
"""The trade-offs that the lowest and the highest of eight networks of one rate are trained for."""


class GainVectors(nn.Module):
    """Per-channel gains at `num_rates` rates, and their exponential interpolation in between.

    Cui et al., "Asymmetric Gained Deep Image Compression With Continuous Rate Adaptation", CVPR 2021, eq. 8.

    Args:
        num_rates: how many gain vectors are learned.
        channels: length of each vector.
        initial: gain of every channel at each rate to start from, `num_rates` positive numbers.
    """

    def __init__(self, num_rates: int, channels: int, initial: Sequence[float]) -> None:
        super().__init__()
        rows = torch.tensor(list(initial), dtype=torch.float32).log().unsqueeze(1)
        self.log_gain = nn.Parameter(rows.repeat(1, channels))

    def forward(self, rate: Tensor) -> Tensor:
        """Gains `(N, C, 1, 1)` at the positions `rate`, (N,), in [0, num_rates - 1].

        They are rounded such that every machine has the same.
        """
        return exact_exp(interpolated(self.log_gain, rate))


def interpolated(table: Tensor, rate: Tensor) -> Tensor:
    """Rows of `table` (R, C), mixed linearly, at the positions `rate` (N,) in [0, R - 1]; (N, C, 1, 1)."""
    index = rate.floor().clamp(0, len(table) - 2).long()
    fraction = (rate - index).unsqueeze(1).to(table.dtype)
    low, high = table[index], table[index + 1]
    return (low + fraction * (high - low))[:, :, None, None]  # not lerp, which rounds once on some machines


class VariableRateModel(HyperpriorModel):
    """What gains add to a hyperprior model; comes before that model among the bases of a class.

    A subclass calls `set_gains` when it has its channels.
    """

    num_rates: int
    lmbda_range: tuple[float, float]

    def set_gains(self, N: int, M: int, lmbda_range: tuple[float, float], gains: Sequence[float]) -> None:
        """Make the gain vectors of y and z.

        Args:
            N: channels of z.
            M: channels of y.
            lmbda_range: trade-offs that the first and the last rate are trained for.
            gains: of y at each rate, to start from.
        """
        self.num_rates, self.lmbda_range = len(gains), lmbda_range
        self.gain = GainVectors(self.num_rates, M, gains)
        self.inverse_gain = GainVectors(self.num_rates, M, [1 / gain for gain in gains])
        self.hyper_gain = GainVectors(self.num_rates, N, [1.0] * self.num_rates)
        self.hyper_inverse_gain = GainVectors(self.num_rates, N, [1.0] * self.num_rates)

    def lmbda(self, rate: Tensor) -> Tensor:
        """The trade-off that each position `rate` in [0, num_rates - 1] is trained for."""
        low, high = (math.log(value) for value in self.lmbda_range)
        return (low + (high - low) * rate / (self.num_rates - 1)).exp()

    def forward(self, x: Tensor, rate: Tensor | None = None, quality: float | None = None) -> dict[str, Any]:
        """Reconstruct `x` (N, 3, H, W), differentiably in training mode.

        Args:
            x: images in [0, 1]; H and W must be multiples of `downsampling_factor`.
            rate: position of each image among the gain vectors, (N,) in [0, num_rates - 1]; drawn uniformly
                if None.
            quality: instead of `rate`, of all images, 1 to 100 as for `compress`.

        Returns:
            `"x_hat"` (N, 3, H, W), not clamped; `"likelihoods"` of y and z; and `"lmbda"` (N,), the trade-off
            that each image is to be trained for.

        Raises:
            ConfigurationError: the quality is not in [1, 100].
        """
        if quality is not None:
            rate = self.rate_of(quality).expand(x.shape[0])
        if rate is None:
            rate = torch.rand(x.shape[0], device=x.device) * (self.num_rates - 1)
        coded = self.make_latent_codec(rate=rate)(self.g_a(self._as_cpus_like_it(x)))
        x_hat = self.g_s(coded["y_hat"]).contiguous()
        return {"x_hat": x_hat, "likelihoods": coded["likelihoods"], "lmbda": self.lmbda(rate)}

    def compress_latent(self, y: Tensor, quality: float = 50, **options: Any) -> dict[str, Any]:
        """Code what `analyse` gave; arguments and result are otherwise those of `compress`."""
        return super().compress_latent(y, rate=self.rate_of(quality), **options)

    def compress(self, x: Tensor, quality: float = 50, **options: Any) -> dict[str, Any]:
        """Code images `x` (N, 3, H, W) in [0, 1], each by itself.

        Args:
            x: images; H and W must be multiples of `downsampling_factor`.
            quality: 1 (smallest) to 100 (best); fractions are allowed.
            **options: whatever else the model leaves to the caller.

        Returns:
            `"strings"`, those of y and of z, a list with one `bytes` per image each, and `"shape"`, the
            height and width of z.

        Raises:
            ConfigurationError: the quality is not in [1, 100].
        """
        return super().compress(x, quality=quality, **options)

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Sequence[int], quality: float = 50, **options: Any
    ) -> dict[str, Any]:
        """Decode what `compress` made with the same quality and options.

        Returns:
            `"x_hat"` (N, 3, H, W), clamped to [0, 1].

        Raises:
            BitstreamError: the strings are truncated or damaged.
            ConfigurationError: the quality is not in [1, 100].
        """
        return super().decompress(strings, shape, rate=self.rate_of(quality), **options)

    def make_latent_codec(self, **options: Any) -> LatentCodec:
        """The codec of the latent at the positions `rate=`, (N,) or (1,), among the gain vectors."""
        rate: Tensor = options.pop("rate")
        gains = {
            "y_gain": self.gain(rate),
            "z_gain": self.hyper_gain(rate),
            "y_gain_inv": self.inverse_gain(rate),
            "z_gain_inv": self.hyper_inverse_gain(rate),
        }
        return self._gained_codec(gains["y_gain"], **options).at(**gains)

    def _gained_codec(self, y_gain: Tensor, **options: Any) -> GainHyperpriorLatentCodec:
        """The codec whose gains `make_latent_codec` settles; those of y are given for what needs them."""
        raise NotImplementedError(f"{type(self).__name__} does not define _gained_codec().")

    def rate_of(self, quality: float) -> Tensor:
        """Position among the gain vectors of a quality from 1 to 100, (1,).

        Raises:
            ConfigurationError: the quality is not in [1, 100].
        """
        low, high = QUALITIES
        if not low <= quality <= high:
            raise ConfigurationError(f"Expected a quality from {low:g} to {high:g}, found {quality}.")
        position = (quality - low) / (high - low) * (self.num_rates - 1)
        return torch.tensor([position], dtype=torch.float32, device=self.gain.log_gain.device)


class _GainedHyperprior(VariableRateModel, ScaleHyperprior):
    """A published hyperprior model with gains; comes before that model among the bases of a class."""

    def __init__(
        self,
        N: int,
        M: int,
        num_rates: int = 8,
        lmbda_range: tuple[float, float] = LMBDA_RANGE,
        **kwargs: Any,
    ) -> None:
        super().__init__(N, M, **kwargs)
        span = math.sqrt(lmbda_range[1] / lmbda_range[0])
        gains = [span ** (k / (num_rates - 1) - 0.5) for k in range(num_rates)]
        self.set_gains(N, M, lmbda_range, gains)

    def _gained_codec(self, y_gain: Tensor, **options: Any) -> GainHyperpriorLatentCodec:
        hyper = self._hyper_codec()
        return GainHyperpriorLatentCodec(
            {
                "y": self._y_codec(**options),
                "hyper": GainHyperLatentCodec(hyper.entropy_bottleneck, hyper.h_a, hyper.h_s),
            }
        )

    @classmethod
    def _sizes(cls, state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        return {**super()._sizes(state_dict), "num_rates": state_dict["gain.log_gain"].size(0)}


@register_model("bmshj2018-hyperprior-vbr")
class ScaleHyperpriorVbr(_GainedHyperprior):
    """`ScaleHyperprior` with gains: `compress` and `decompress` take a `quality` from 1 to 100.

    Args:
        N: channels inside the transforms, and of z.
        M: channels of the latent y.
        num_rates: gain vectors; quality 1 is the first, quality 100 the last, in between they are
        interpolated.
        lmbda_range: trade-offs that qualities 1 and 100 are trained for; those between are spaced evenly in
            their logarithm.

    Example:
        >>> net = ScaleHyperpriorVbr(N=8, M=12).eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 64, 128), quality=70)
        >>> net.decompress(**coded, quality=70)["x_hat"].shape
        torch.Size([1, 3, 64, 128])
    """


@register_model("mbt2018-mean-vbr")
class MeanScaleHyperpriorVbr(_GainedHyperprior, MeanScaleHyperprior):
    """`MeanScaleHyperprior` with gains: `compress` and `decompress` take a `quality` from 1 to 100.

    Arguments are those of `ScaleHyperpriorVbr`.
    """


@register_model("mbt2018-vbr")
class JointAutoregressiveHierarchicalPriorsVbr(_GainedHyperprior, JointAutoregressiveHierarchicalPriors):
    """`JointAutoregressiveHierarchicalPriors` with gains: `quality` from 1 to 100 beside `order`.

    Arguments are those of `ScaleHyperpriorVbr`.
    """

    def __init__(self, N: int = 192, M: int = 192, **kwargs: Any) -> None:
        super().__init__(N, M, **kwargs)
