"""The rate embedding: lambda as the vector that every adaptive block reads."""

import math
from decimal import Context, Decimal, localcontext
from functools import lru_cache

import torch
from torch import Tensor, nn

from latentpress.models.hierarchical.blocks import EMBEDDING_WIDTH
from latentpress.models.hierarchical.convolutions import linear

_LARGEST_LMB = 8192.0  # that the embedding is laid out for
_PERIOD = 64.0
_FREQUENCIES = EMBEDDING_WIDTH // 2
_DIGITS = 40


def sinusoidal_features(lmb: Tensor) -> Tensor:
    """Features (N, 256) of lambdas (N,): cosines, then sines, of `64 log(lmb) / log(8192)` at 128
    frequencies.

    The frequencies are `64^-t` for t from 0 to 1. Where no gradient is wanted, which is where coding may be
    going on, every machine gets the same numbers, whatever its mathematical library.
    """
    if not torch.is_grad_enabled():
        return torch.tensor(
            [_exact_features(value) for value in lmb.tolist()], dtype=torch.float32, device=lmb.device
        )
    position = lmb.double().log() * (_PERIOD / math.log(_LARGEST_LMB))
    exponents = torch.linspace(0.0, 1.0, _FREQUENCIES, dtype=torch.float64, device=lmb.device)
    angles = position[:, None] * _PERIOD ** (-exponents)
    return torch.cat([angles.cos(), angles.sin()], dim=1).float()


@lru_cache(maxsize=1024)
def _exact_features(lmb: float) -> tuple[float, ...]:
    """The features of one lambda, by decimal arithmetic, which is defined to the last digit."""
    with localcontext(Context(prec=_DIGITS)):
        angle = Decimal(lmb).ln() * Decimal(_PERIOD) / Decimal(_LARGEST_LMB).ln()
        ratio = (-Decimal(_PERIOD).ln() / (_FREQUENCIES - 1)).exp()
        waves = []
        for _ in range(_FREQUENCIES):
            waves.append(_cosine_and_sine(angle))
            angle *= ratio
    return (*(float(cosine) for cosine, _ in waves), *(float(sine) for _, sine in waves))


def _cosine_and_sine(angle: Decimal) -> tuple[Decimal, Decimal]:
    """Their series, to the digits of the context less those in front of the point."""
    halvings = 8
    small = angle / 2**halvings
    square = small * small
    versine, term, n = square / 2, square / 2, 2  # 1 - cos, which loses no digits as it doubles
    while abs(term) > Decimal(10) ** (-_DIGITS - 5):
        term *= -square / ((n + 1) * (n + 2))
        versine += term
        n += 2
    sine, term, n = small, small, 1
    while abs(term) > Decimal(10) ** (-_DIGITS - 5):
        term *= -square / ((n + 1) * (n + 2))
        sine += term
        n += 2
    for _ in range(halvings):
        sine, versine = 2 * sine * (1 - versine), 2 * versine * (2 - versine)
    return 1 - versine, sine


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
