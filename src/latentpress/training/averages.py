"""Averaged weights: smoother than those of any one step, they are what is validated and shipped."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn


class WeightAverage:
    """An exponential moving average of a model's parameters, as a model of its own.

    Args:
        model: whose weights are averaged.
        decay: share that is kept at each step, once warm.
        warmup: steps over which the decay rises, as `decay * (1 - exp(-step / warmup))`.
    """

    def __init__(self, model: nn.Module, decay: float, warmup: int) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.warmup = decay, warmup

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards the weights after step number `step`, counted from 1."""
        decay = self.decay * (1 - math.exp(-step / self.warmup)) if self.warmup else self.decay
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - decay)
