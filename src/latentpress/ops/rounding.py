"""Rounding that lets gradients through to latents which are optimised for one image."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

__all__ = ["GumbelRounding", "SoftRounding", "rounding_by", "soft_rounding"]

_NEAREST = 1e-3  # distances to integers are kept this far from 0 and 1, where their logits are infinite

_soft: ContextVar[Callable[[Tensor], Tensor] | None] = ContextVar("soft_rounding", default=None)


def soft_rounding() -> Callable[[Tensor], Tensor] | None:
    """What latents are rounded by here instead of to the nearest integer; None for nothing else."""
    return None if torch.compiler.is_compiling() else _soft.get()  # graphs know no context variables


@contextmanager
def rounding_by(soft: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Have latents that are quantised in this context rounded by `soft`.

    Example:
        >>> from latentpress.ops import quantize_ste
        >>> with rounding_by(torch.floor):
        ...     quantize_ste(torch.tensor([0.7]))
        tensor([0.])
    """
    token = _soft.set(soft)
    try:
        yield
    finally:
        _soft.reset(token)


class SoftRounding:
    """A differentiable staircase between the identity and rounding.

    Agustsson and Theis, "Universally quantized neural compression" (NeurIPS 2020), eq. 16.

    Args:
        sharpness: positive; towards 0 the identity, from about 10 on nearly rounding.
    """

    def __init__(self, sharpness: float) -> None:
        self.sharpness = sharpness

    def __call__(self, x: Tensor) -> Tensor:
        below = x.detach().floor()
        centred = torch.tanh(self.sharpness * (x - below - 0.5))
        return below + 0.5 + centred / (2 * math.tanh(self.sharpness / 2))


class GumbelRounding:
    """A mixture of the two integers about a number, with random weights that a temperature makes extreme.

    Yang, Bamler and Mandt, "Improving inference for neural image compression" (NeurIPS 2020): stochastic
    Gumbel annealing with the logits `-atanh(distance) / temperature`.

    Args:
        temperature: from about 0.5, where weights are soft, towards 0, where one of them is 1.
        generator: of the noise.
    """

    def __init__(self, temperature: float, generator: torch.Generator) -> None:
        self.temperature, self.generator = temperature, generator

    def __call__(self, x: Tensor) -> Tensor:
        below = x.detach().floor()
        part = (x - below).clamp(_NEAREST, 1 - _NEAREST)
        logit = (torch.atanh(part) - torch.atanh(1 - part)) / self.temperature  # of the integer above
        uniform = torch.rand(x.shape, generator=self.generator, device=x.device).clamp(1e-6, 1 - 1e-6)
        logistic = uniform.log() - (1 - uniform).log()  # the difference of two Gumbel variables
        return below + torch.sigmoid((logit + logistic) / self.temperature)
