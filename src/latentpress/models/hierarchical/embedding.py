"""The rate embedding: lambda as the vector that every adaptive block reads."""

import math

import torch
from torch import Tensor, nn

from latentpress.models.hierarchical.blocks import EMBEDDING_WIDTH

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


def rate_embedding() -> nn.Sequential:
    """The trained part of the embedding, after the sinusoidal features."""
    return nn.Sequential(
        nn.Linear(EMBEDDING_WIDTH, EMBEDDING_WIDTH), nn.GELU(), nn.Linear(EMBEDDING_WIDTH, EMBEDDING_WIDTH)
    )
