"""Where the top-down path takes its latents from: one class a purpose.

A source is asked once per latent block, coarse to fine, and answers with z; None means that nothing after
this block is wanted. Training, evaluation, coding, sampling and editing differ in their source and in nothing
else, so that the path the decoder must reproduce is written once.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latentpress.models.hierarchical.compiled import usable_for
from latentpress.models.hierarchical.distributions import evaluated_log_mass, gaussian_kl, log_mass_of_bin
from latentpress.models.hierarchical.latents import (
    ContinuousLatentBlock,
    DiscreteLatentBlock,
    DiscretePrior,
    LatentBlock,
    Prior,
)

Features = dict[int, Tensor]  # encoder features by stride


class LatentSource(Protocol):
    """Answers with the latent (N, zdim, H, W) of block number `index`, or None to stop there."""

    def __call__(
        self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None
    ) -> Tensor | None: ...


def quantise_about(mean: Tensor, value: Tensor) -> Tensor:
    """`value` rounded to the integer grid through `mean`."""
    if usable_for(value):  # then on one thread, for the reason given in `compiled.contiguous`
        means = mean.numpy()
        return torch.from_numpy(np.rint(value.numpy() - means) + means)
    return torch.round(value - mean) + mean


class RateSource(LatentSource, Protocol):
    """A source that keeps the rate of what it answers: `kl`, in nats, one (N, zdim, H, W) a block."""

    kl: list[Tensor]


class NoisyPosterior:
    """For training: latents inferred from an image, plus uniform noise in place of rounding."""

    def __init__(self, features: Features) -> None:
        self._features = features
        self.kl: list[Tensor] = []

    def __call__(self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None) -> Tensor:
        assert isinstance(prior, DiscretePrior)
        mean = block.infer(x, self._features[block.stride], emb)
        z = mean + torch.empty_like(mean).uniform_(-0.5, 0.5)
        self.kl.append(-log_mass_of_bin(z, prior.mean, prior.log_scale))
        return z


class RoundedPosterior:
    """For evaluation: latents inferred from an image, rounded about the prior's means as coding does."""

    def __init__(self, features: Features) -> None:
        self._features = features
        self.kl: list[Tensor] = []

    def __call__(self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None) -> Tensor:
        z = quantise_about(prior.mean, block.infer(x, self._features[block.stride], emb))
        self.kl.append(-evaluated_log_mass(z, prior.mean, prior.scale))
        return z


class SampledPosterior:
    """For bounds: latents sampled from continuous Gaussian posteriors; divergences in closed form."""

    def __init__(self, features: Features) -> None:
        self._features = features
        self.kl: list[Tensor] = []

    def __call__(self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None) -> Tensor:
        assert isinstance(block, ContinuousLatentBlock)
        q = block.infer_distribution(x, self._features[block.stride], emb)
        self.kl.append(gaussian_kl(q.mean, q.scale, prior.mean, prior.scale))
        return q.mean + q.scale * torch.randn_like(q.mean)


class Encoding:
    """Rounded latents of one image, and their strings, one a block.

    Args:
        features: of the image, from the bottom-up path.
        stop_after: number of latent blocks after which nothing more is needed; None to run to the end.
    """

    def __init__(self, features: Features, stop_after: int | None) -> None:
        self._features = features
        self._stop_after = stop_after
        self.strings: list[bytes] = []

    def __call__(
        self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None
    ) -> Tensor | None:
        assert isinstance(block, DiscreteLatentBlock)
        assert isinstance(prior, DiscretePrior)
        mean = block.infer(x, self._features[block.stride], emb)
        self.strings.append(block.discrete_gaussian.encode(mean, prior.mean, prior.raw))
        return None if index + 1 == self._stop_after else quantise_about(prior.mean, mean)


class Decoding:
    """Latents of one image out of their strings; `Encoding` in reverse."""

    def __init__(self, strings: Sequence[bytes]) -> None:
        self._strings = strings

    def __call__(self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None) -> Tensor:
        assert isinstance(block, DiscreteLatentBlock)
        assert isinstance(prior, DiscretePrior)
        return block.discrete_gaussian.decode(self._strings[index], prior.mean, prior.raw)


class Sampling:
    """Samples of the prior; at temperature 0, its means.

    Args:
        temperature: factor on the prior's scales.
        generator: where the randomness comes from; torch's default where None.
    """

    def __init__(self, temperature: float, generator: torch.Generator | None = None) -> None:
        self._temperature = temperature
        self._generator = generator

    def __call__(self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None) -> Tensor:
        if self._temperature == 0.0:
            return prior.mean
        noise = torch.randn(
            prior.mean.shape, generator=self._generator, dtype=torch.float32, device="cpu"
        ).to(prior.mean)
        return prior.mean + self._temperature * prior.scale * noise


class FirstThen:
    """The first `count` latents from one source, the others from another."""

    def __init__(self, first: LatentSource, count: int, then: LatentSource) -> None:
        self._first, self._count, self._then = first, count, then

    def __call__(
        self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None
    ) -> Tensor | None:
        source = self._first if index < self._count else self._then
        return source(index, block, x, prior, emb)


class Given:
    """Latents that the caller has, one (N, zdim, H, W) a block."""

    def __init__(self, latents: Sequence[Tensor]) -> None:
        self._latents = latents

    def __call__(self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None) -> Tensor:
        return self._latents[index]


class Keeping:
    """Passes another source's answers on and keeps them in `latents`."""

    def __init__(self, source: LatentSource) -> None:
        self._source = source
        self.latents: list[Tensor] = []

    def __call__(
        self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None
    ) -> Tensor | None:
        z = self._source(index, block, x, prior, emb)
        if z is not None:
            self.latents.append(z)
        return z


class Masked:
    """One source where a mask is 1, another where it is 0.

    Args:
        mask: (N, 1, H, W) over image pixels; a latent pixel counts as 1 if any of its image pixels is.
        inside, outside: the sources.
    """

    def __init__(self, mask: Tensor, inside: LatentSource, outside: LatentSource) -> None:
        self._mask, self._inside, self._outside = mask, inside, outside

    def __call__(self, index: int, block: LatentBlock, x: Tensor, prior: Prior, emb: Tensor | None) -> Tensor:
        inside = self._inside(index, block, x, prior, emb)
        outside = self._outside(index, block, x, prior, emb)
        assert inside is not None
        assert outside is not None
        return torch.where(F.max_pool2d(self._mask, block.stride) > 0, inside, outside)
