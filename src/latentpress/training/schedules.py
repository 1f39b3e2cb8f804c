"""How the learning rate changes: up over a warm-up, then down on plateaus, along a cosine or a line."""

from __future__ import annotations

import math
from typing import Any

from latentpress.training.settings import OptimizationSettings

THRESHOLD = 1e-4  # a loss is better if it is lower by this share, as for torch's ReduceLROnPlateau


class Schedule:
    """The share of the learning rate that is used at each step.

    Args:
        settings: which schedule, and its numbers.
        steps: length of the run, in steps.

    Example:
        >>> schedule = Schedule(OptimizationSettings(schedule="cosine", final_lr=0.0), steps=100)
        >>> round(schedule.share(50), 6)
        0.5
    """

    def __init__(self, settings: OptimizationSettings, steps: int) -> None:
        self.settings, self.steps = settings, steps
        self.plateaus = 1.0  # product of the factors of all plateaus so far
        self.best = math.inf
        self.epochs_since_best = 0

    def share(self, step: int) -> float:
        """What the learning rate is multiplied by at a step, counted from 0."""
        warmup = min(1.0, (step + 1) / self.settings.warmup) if self.settings.warmup else 1.0
        if self.settings.schedule == "plateau":
            return warmup * self.plateaus
        if self.settings.schedule == "constant":
            return warmup
        low = self.settings.final_lr
        left = 1 - self._fallen(step)  # share of the way down that lies ahead
        if self.settings.schedule == "cosine":
            left = (1 - math.cos(math.pi * left)) / 2
        return warmup * (low + (1 - low) * left)

    def end_epoch(self, loss: float) -> None:
        """Take note of the loss of an epoch; one of too many without a better loss lowers the rate."""
        if loss < self.best * (1 - THRESHOLD) if self.best > 0 else loss < self.best:
            self.best, self.epochs_since_best = loss, 0
            return
        self.epochs_since_best += 1
        if self.epochs_since_best > self.settings.patience:
            self.plateaus, self.epochs_since_best = self.plateaus * self.settings.factor, 0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "plateaus": self.plateaus,
            "best": self.best,
            "epochs_since_best": self.epochs_since_best,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.plateaus, self.best = state["plateaus"], state["best"]
        self.epochs_since_best = state["epochs_since_best"]

    def _fallen(self, step: int) -> float:
        """Share of the way from the full rate to the final one that lies behind."""
        start = self.settings.fall_start * self.steps
        return min(1.0, max(0.0, (step - start) / max(1.0, self.steps - start)))
