"""The rate embedding: lambda as the vector that every adaptive block reads."""

import math

import torch
from torch import Tensor, nn

from latentpress.models.hierarchical.blocks import EMBEDDING_WIDTH
from latentpress.models.hierarchical.convolutions import linear

_LARGEST_LMB = 8192.0  # that the embedding is laid out for
_PERIOD = 64.0


def sinusoidal_features(lmb: Tensor) -> Tensor:
    """Features (N, 256) of lambdas (N,): cosines, then sines, of `64 log(lmb) / log(8192)` at 128
    frequencies.

    The frequencies are `64^-t` for t from 0 to 1. Computed in float64 and rounded once, so that an encoder
    and a decoder on different machines start from the same numbers.
    """
    position = lmb.double().log() * (_PERIOD / math.log(_LARGEST_LMB))
    exponents = torch.linspace(0.0, 1.0, EMBEDDING_WIDTH // 2, dtype=torch.float64, device=lmb.device)
    angles = position[:, None] * _PERIOD ** (-exponents)
    return torch.cat([angles.cos(), angles.sin()], dim=1).float()


class RateEmbedding(nn.Sequential):
    """Linear, GELU, linear, after the sinusoidal features of lambda."""

    def __init__(self) -> None:
        width = EMBEDDING_WIDTH
        super().__init__(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, lmb: Tensor) -> Tensor:
        """Embedding (N, 256) of lambdas (N,)."""
        first, _, second = self
        assert isinstance(first, nn.Linear)
        assert isinstance(second, nn.Linear)
        return linear(second, linear(first, sinusoidal_features(lmb), gelu_after=True))
