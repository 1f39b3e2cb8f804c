"""The training recipe of the hierarchical VAEs, in parts that any training loop can host.

Adam; gradient norms clipped, and watched for spikes; weights averaged with a warm-up; a learning rate that is
constant, or constant and then half a cosine; lambdas drawn at random by variable-rate models themselves, in
their `forward`. `HierarchyTrainer` puts the parts together for one process.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from latentpress._files import whole_file
from latentpress.errors import WeightsError
from latentpress.models.hierarchical import HierarchicalVAE
from latentpress.training.averages import WeightAverage


@dataclass(frozen=True)
class HierarchyRecipe:
    """Numbers of the recipe; the defaults are QARV's (arXiv 2302.08899). QRes-VAE: batch 64, `cosine=False`.

    Attributes:
        steps: optimiser steps of the whole run; published: 2 M (QARV), 600 k to 800 k (QRes-VAE).
        learning_rate: of Adam.
        cosine: fall along half a cosine to `final_share` over the second half of the steps.
        final_share: what is left of the learning rate at the end.
        clip_norm: largest gradient norm.
        spike: a gradient is a spike if its norm exceeds this many times the running median.
        spike_share: what is left of the learning rate at a spike.
        decay, warmup: of the average of the weights, in steps.
    """

    steps: int = 2_000_000
    learning_rate: float = 2e-4
    cosine: bool = True
    final_share: float = 0.01
    clip_norm: float = 2.0
    spike: float = 10.0
    spike_share: float = 0.1
    decay: float = 0.9999
    warmup: int = 10_000

    def share(self, step: int) -> float:
        """Share of the learning rate at step number `step`, counted from 0.

        Example:
            >>> recipe = HierarchyRecipe(steps=100)
            >>> recipe.share(49), round(recipe.share(99), 2)
            (1.0, 0.01)
        """
        half = self.steps / 2
        if not self.cosine or step < half:
            return 1.0
        progress = min(1.0, (step - half) / max(half - 1.0, 1.0))
        return self.final_share + (1.0 - self.final_share) * 0.5 * (1.0 + math.cos(math.pi * progress))


class GradientWatch:
    """Tells spikes from ordinary gradients by the running median of their norms.

    Args:
        spike: multiple of the median above which a norm is a spike; one that is not finite always is.
        window: norms that the median is taken over.
        patience: norms to see before anything is called a spike.
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


class HierarchyTrainer:
    """Trains a hierarchy, of one rate or of all, and resumes exactly.

    Args:
        model: what to train; it is put into training mode.
        recipe: the numbers.

    Attributes:
        average: the averaged weights, as a model in evaluation mode: what to validate and ship.
        step: steps done.

    Example:
        >>> import torch
        >>> from latentpress import zoo
        >>> trainer = HierarchyTrainer(zoo.qres17m(), HierarchyRecipe(steps=10))
        >>> trainer.step
        0
    """

    def __init__(self, model: HierarchicalVAE, recipe: HierarchyRecipe) -> None:
        self.model, self.recipe = model.train(), recipe
        self.optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
        self._average = WeightAverage(model, recipe.decay, recipe.warmup)
        self.watch = GradientWatch(recipe.spike)
        self.step = 0

    @property
    def average(self) -> HierarchicalVAE:
        model = self._average.model
        assert isinstance(model, HierarchicalVAE)
        return model

    def train_step(self, x: Tensor) -> dict[str, float]:
        """One step on images (N, 3, H, W) in [0, 1]; returns the loss, its parts and the gradient's norm.

        A step whose gradient is not finite changes nothing.
        """
        self.optimizer.zero_grad(set_to_none=True)
        out = self.model(x)
        out["loss"].backward()
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm))
        spike = self.watch.is_spike(norm)
        share = self.recipe.share(self.step) * (self.recipe.spike_share if spike else 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * share
        if math.isfinite(norm):
            self.optimizer.step()
        self.step += 1
        if not spike:
            self._average.update(self.model, self.step)
        parts = {name: float(out[name].detach()) for name in ("loss", "kl", "bpp", "mse", "psnr")}
        return {**parts, "gradient_norm": norm}

    def run(
        self,
        batch_at: Callable[[int], Tensor],
        until: int | None = None,
        report: Callable[[int, Mapping[str, float]], None] = lambda step, parts: None,
    ) -> None:
        """Train up to step `until` (the recipe's last where None).

        Args:
            batch_at: images for a step number; the same for the same number, so that a resumed run sees what
                an uninterrupted one would have.
            until: step to stop before.
            report: called after each step with its number and what `train_step` returned.
        """
        while self.step < (self.recipe.steps if until is None else until):
            number = self.step
            report(number, self.train_step(batch_at(number)))

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, the random state of torch included."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "norms": list(self.watch.norms),
            "step": self.step,
            "random": torch.get_rng_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken."""
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.watch.norms.clear()
        self.watch.norms.extend(state["norms"])
        self.step = int(state["step"])
        torch.set_rng_state(state["random"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint to resume from; the file takes its name only when it is whole."""
        with whole_file(Path(path)) as partial:
            torch.save(self.state_dict(), partial)

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Continue from a checkpoint.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        try:
            self.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except (OSError, RuntimeError, KeyError, ValueError, EOFError) as error:
            raise WeightsError(f"Expected a checkpoint of this model at {path}, found: {error}") from error
