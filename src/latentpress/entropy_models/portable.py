"""Numbers that coding tables are made of, to the same bits on every machine.

Mathematical libraries differ in the last digit of exponentials and error functions, and one such digit may
move an entry of a table. Here there are decimal arithmetic, which is defined to the last digit, and sums,
products and quotients of float64, which IEEE 754 defines to the bit.
"""

from decimal import Context, Decimal, localcontext

import numpy as np
import torch
from torch import Tensor

_DIGITS = 40
_LN2 = 0.6931471805599453
_LARGEST = 26.0  # from there on the error function differs from 1 by less than any float64
_SQRT_PI = 1.7724538509055159
_SERIES_BELOW = 2.0
_SERIES_TERMS = 45
_FRACTION_DEPTH = 80
_EXPONENTIAL_TERMS = 18


def log_spaced(smallest: float, largest: float, count: int) -> Tensor:
    """`count` scales from `smallest` to `largest` at equal ratios, float32.

    Logarithms are rounded to float32 on the way, as `torch.exp(torch.linspace(...))` rounds them.
    """
    with localcontext(Context(prec=_DIGITS)):
        low, high = (_single(Decimal(bound).ln()) for bound in (smallest, largest))
        step = _single(_single(high - low) / max(count - 1, 1))
        logs = [
            low + step * i if i < count // 2 or count == 1 else high - step * (count - 1 - i)
            for i in range(count)
        ]
        return torch.tensor(
            [float(_single(log).exp()) for log in logs], dtype=torch.float64, device="cpu"
        ).float()


def normal_cumulative(x: Tensor) -> Tensor:
    """The cumulative distribution of the standard normal at float32 values, accurate in its lower tail."""
    scaled = (-(2**-0.5) * x.float()).double().clamp(max=_LARGEST).numpy()
    values, places = np.unique(scaled, return_inverse=True)  # tables look at the same ones again and again
    with np.errstate(under="ignore"):  # tails become zero, whatever the program wants to know of it
        tail = _erfc_of_positive(np.abs(values))
    cumulative = 0.5 * np.where(values < 0, 2.0 - tail, tail)
    return torch.from_numpy(cumulative[places].reshape(scaled.shape)).float()


def _single(x: Decimal) -> Decimal:
    """A number rounded to float32."""
    return Decimal(float(np.float32(float(x))))


def _erfc_of_positive(x: np.ndarray) -> np.ndarray:
    """The complementary error function of float64 values from 0 on, to 13 digits or so."""
    x = np.minimum(x, _LARGEST)
    return np.where(x < _SERIES_BELOW, _erfc_of_small(np.minimum(x, _SERIES_BELOW)), _erfc_of_large(x))


def _erfc_of_small(x: np.ndarray) -> np.ndarray:
    """By the series of exp(x^2) erf(x), whose terms are all positive."""
    term = total = 2.0 / _SQRT_PI * x
    for n in range(1, _SERIES_TERMS):
        term = term * (x * x) * (2.0 / (2 * n + 1))
        total = total + term
    return 1.0 - total * _exp_of_negative(x * x)


def _erfc_of_large(x: np.ndarray) -> np.ndarray:
    """By the continued fraction of exp(x^2) erfc(x): 1 / (x + 1/2 / (x + 2/2 / (x + 3/2 / ...)))."""
    x = np.maximum(x, _SERIES_BELOW)
    below = x
    for n in range(_FRACTION_DEPTH, 0, -1):
        below = x + 0.5 * n / below
    return _exp_of_negative(x * x) / (_SQRT_PI * below)


def _exp_of_negative(x: np.ndarray) -> np.ndarray:
    """exp(-x), float64."""
    halvings = np.rint(x / _LN2)
    rest = halvings * _LN2 - x
    series = np.ones_like(x)
    for n in range(_EXPONENTIAL_TERMS, 0, -1):
        series = 1.0 + series * rest / n
    return np.ldexp(series, -halvings.astype(np.int64))
