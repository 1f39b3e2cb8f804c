"""Coding to a byte budget: the lambda whose file comes closest from below."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latentpress.errors import ConfigurationError

_MOST_STEPS = 40


@dataclass(frozen=True)
class Fit:
    """A file within the budget: its bytes, and the lambda that gave them."""

    lmb: float
    data: bytes


def fit_to_size(code: Callable[[float], bytes], lmb_range: tuple[float, float], budget: int) -> Fit:
    """The largest file of at most `budget` bytes that a bisection in log lambda finds.

    Sizes do not rise steadily with lambda at the finest scale, and a string's length is a multiple of four
    bytes. The search therefore ends within one byte of the budget, or where two neighbouring float32 lambdas
    lie on either side of it.

    Args:
        code: the file for a lambda; called once a step, 10 to 30 times.
        lmb_range: smallest and largest lambda.
        budget: in bytes.

    Raises:
        ConfigurationError: even the smallest lambda gives a file over the budget.

    Example:
        >>> len(fit_to_size(lambda lmb: bytes(int(10 * lmb)), (1.0, 100.0), 500).data)
        500
    """
    low, high = (float(np.float32(bound)) for bound in lmb_range)
    best = Fit(low, code(low))
    if len(best.data) > budget:
        raise ConfigurationError(
            f"Expected a budget of at least {len(best.data)} bytes, which the smallest lambda {low:g} takes, "
            f"found {budget}; raise it, or make the image smaller."
        )
    largest = Fit(high, code(high))
    if len(largest.data) <= budget:
        return largest
    for _ in range(_MOST_STEPS):
        middle = float(np.float32(math.sqrt(low * high)))
        if not low < middle < high or budget - len(best.data) <= 1:
            break
        trial = Fit(middle, code(middle))
        if len(trial.data) > budget:
            high = middle
            continue
        low = middle
        best = max(best, trial, key=lambda fit: len(fit.data))
    return best
