"""Gradients that are out of line: they are told from ordinary ones by the running median of their norms."""

from __future__ import annotations

import math
from collections import deque
from statistics import median


class GradientWatch:
    """Tells spikes from ordinary gradients by the running median of their norms.

    Args:
        spike: multiple of the median above which a norm is a spike; one that is not finite always is.
        window: norms that the median is taken over.
        patience: norms to see before anything is called a spike.

    Example:
        >>> watch = GradientWatch(10.0, patience=2)
        >>> [watch.is_spike(norm) for norm in (1.0, 2.0, 30.0, 3.0)]
        [False, False, True, False]
    """

    def __init__(self, spike: float, window: int = 512, patience: int = 16) -> None:
        self.spike, self.patience = spike, patience
        self.norms: deque[float] = deque(maxlen=window)

    def is_spike(self, norm: float) -> bool:
        """Take note of a norm, and say whether it is a spike."""
        if not math.isfinite(norm):
            return True
        known = len(self.norms) >= self.patience
        found = known and norm > self.spike * median(self.norms)
        self.norms.append(norm)
        return found
