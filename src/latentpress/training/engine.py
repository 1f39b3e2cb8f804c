"""The engine: one step after another, on one process or many, and a state that resumes bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from latentpress.errors import ConfigurationError, LatentPressError, WeightsError
from latentpress.layers.convolutions import safe_innermost
from latentpress.ops import keep_freed_memory
from latentpress.training.averages import WeightAverage
from latentpress.training.objectives import Images, Objective, TrainingStep
from latentpress.training.optimizers import (
    aux_optimizers,
    freeze,
    net_optimizers,
    net_parameters,
    restore_optimizer,
)
from latentpress.training.processes import Processes
from latentpress.training.randomness import seed_everything
from latentpress.training.schedules import Schedule
from latentpress.training.settings import TrainingSettings
from latentpress.training.spikes import GradientWatch

SPIKE_SHARE = 0.1  # of the learning rate, at a step whose gradient is a spike


class TrainingDiverged(LatentPressError, ArithmeticError):
    """The loss stopped being a number."""


class Trainer:
    """A model, its optimisers, and its position in the run.

    Args:
        model: a compression model, see `latentpress.training.objectives` for the outputs that are understood.
        settings: how to train it.
        steps: length of the run, for schedules that depend on it.
        processes: this process among those of the run; one alone on the CPU if None.
        objective: what to minimise; what the settings ask for if None.

    Example:
        >>> from latentpress.models import FactorizedPrior
        >>> settings = TrainingSettings().override({"model": "bmshj2018-factorized", "lmbda": 0.01})
        >>> trainer = Trainer(FactorizedPrior(8, 8), settings, steps=10)
        >>> sorted(trainer.train_step([torch.rand(2, 3, 32, 32)]))
        ['aux', 'bpp', 'grad_norm', 'loss', 'psnr']
        >>> trainer.step
        1
    """

    def __init__(
        self,
        model: nn.Module,
        settings: TrainingSettings,
        steps: int,
        processes: Processes | None = None,
        objective: Objective | None = None,
    ) -> None:
        self.settings, self.step = settings, 0
        self.processes = processes or Processes(0, 1, torch.device("cpu"))
        if self.processes.device.type == "cpu":
            keep_freed_memory()
        optimization, compute = settings.optimization, settings.compute
        innermost = compute.channels_last and (self.processes.device.type != "cpu" or safe_innermost(model))
        self._layout = torch.channels_last if innermost else torch.contiguous_format
        self.model = model.to(self.processes.device).to(memory_format=self._layout).train()  # type: ignore[call-overload]
        self.objective = objective or Objective.of(model, settings.model)
        self.average = (
            WeightAverage(model, optimization.ema, optimization.ema_warmup) if optimization.ema else None
        )
        freeze(model, optimization.frozen)
        self.net_optimizers = net_optimizers(model, optimization)
        self.optimizers = [*self.net_optimizers, *aux_optimizers(model, optimization)]
        self.rates = [optimizer.param_groups[0]["lr"] for optimizer in self.net_optimizers]
        self.schedule = Schedule(optimization, steps)
        self.watch = GradientWatch(optimization.spike or float("inf"))
        self._parameters = net_parameters(model)
        self._forward = self._wrapped()

    def _wrapped(self) -> nn.Module:
        if self.settings.compute.compile:
            self.model.compile()
        step = TrainingStep(self.model, self.objective)
        if self.processes.count == 1:
            return step
        # No buffer changes while training, so none is sent around.
        return DistributedDataParallel(step, broadcast_buffers=False, gradient_as_bucket_view=True)

    @property
    def trained_model(self) -> nn.Module:
        """What is validated and shipped: the model with averaged weights if there are any."""
        return self.model if self.average is None else self.average.model

    def train_step(self, batches: Sequence[Images]) -> dict[str, float]:
        """One step.

        Args:
            batches: this process's images, in as many equal parts as are accumulated; (N, 3, H, W) in [0, 1]
                or uint8, or (N, T, 3, H, W) for sequences of T frames.

        Returns:
            The loss and its parts, of this process's images, and the norm of the gradient.

        Raises:
            TrainingDiverged: the gradient is not finite; weights and optimisers are as before the step.
        """
        parts = self._accumulate_gradients(batches)
        norm = self._clip()
        if not norm < float("inf"):
            raise TrainingDiverged(
                f"Expected a finite loss at step {self.step + 1}, found {parts['loss']:g} with a gradient of "
                f"norm {norm:g}."
            )
        spike = self.watch.is_spike(norm)
        self._move(SPIKE_SHARE if spike else 1.0)
        self.step += 1
        if self.average is not None and not spike:
            self.average.update(self.model, self.step)
        return {**parts, "grad_norm": norm}

    def _accumulate_gradients(self, batches: Sequence[Images]) -> dict[str, float]:
        """Gradients of the mean loss over all parts and processes, and this process's mean parts."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        totals: dict[str, Tensor] = {}
        for number, batch in enumerate(batches):
            seed_everything(self.settings.compute.seed, "step", self.step, self._part(number))
            x = self._placed(batch)
            with self._without_exchange(number + 1 < len(batches)):
                with torch.autocast(x_device(x).type, torch.bfloat16, enabled=self.settings.compute.bf16):
                    loss, parts = self._forward(x)
                (loss / len(batches)).backward()
            for name, value in parts.items():
                totals[name] = totals.get(name, torch.zeros_like(value)) + value / len(batches)
        values = torch.stack([value.double() for value in totals.values()]).tolist()
        return dict(zip(totals, values, strict=True))

    def _part(self, number: int) -> int:
        """Number of a part of the step's batch among those of all processes."""
        return number * self.processes.count + self.processes.rank

    def _without_exchange(self, wanted: bool) -> Any:
        """Keep processes from adding up their gradients before the last part."""
        exchanging = isinstance(self._forward, DistributedDataParallel)
        return self._forward.no_sync() if exchanging and wanted else nullcontext()  # type: ignore[operator]

    def _placed(self, batch: Images) -> Images:
        if isinstance(batch, Tensor) and batch.ndim == 5:
            batch = list(batch.unbind(1))
        if isinstance(batch, list):
            return [self._placed(frame) for frame in batch]  # type: ignore[misc]
        x = batch.to(self.processes.device, non_blocking=True)
        x = x.float().div(255) if x.dtype == torch.uint8 else x
        return x.contiguous(memory_format=self._layout)

    def _clip(self) -> float:
        limit = self.settings.optimization.clip_norm or float("inf")
        return float(nn.utils.clip_grad_norm_(self._parameters, limit))

    def _move(self, share: float) -> None:
        share *= self.schedule.share(self.step)
        for optimizer, rate in zip(self.net_optimizers, self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * share
        for optimizer in self.optimizers:
            optimizer.step()

    @property
    def learning_rate(self) -> float:
        """Of the network, at the next step."""
        return self.rates[0] * self.schedule.share(self.step)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on, as tensors and plain data.

        Random states need no keeping: they follow from the seed and the step.
        """
        return {
            "step": self.step,
            "state_dict": self.model.state_dict(),
            "average": None if self.average is None else self.average.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedule": self.schedule.state_dict(),
            "norms": list(self.watch.norms),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave, exactly.

        Raises:
            WeightsError: the state is of another model or other optimisers.
        """
        if len(state["optimizers"]) != len(self.optimizers) or (state["average"] is None) != (
            self.average is None
        ):
            raise WeightsError(
                "Expected a checkpoint with the optimisers and averaged weights that the settings ask for, "
                "found others: resume with the settings that the run was started with."
            )
        try:
            self.model.load_state_dict(state["state_dict"])
            if self.average is not None:
                self.average.model.load_state_dict(state["average"])
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                restore_optimizer(optimizer, saved)
        except (RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:300]
            name = type(self.model).__name__
            raise WeightsError(f"The checkpoint does not fit {name}: {reason}") from error
        self.schedule.load_state_dict(state["schedule"])
        self.watch.norms.clear()
        self.watch.norms.extend(state["norms"])
        self.step = state["step"]


def x_device(x: Images) -> torch.device:
    """Device of images or of frames."""
    return x.device if isinstance(x, Tensor) else x[0].device


def parts_of_a_step(settings: TrainingSettings, processes: Processes) -> int:
    """Crops in each part of a step's batch, for one process.

    Raises:
        ConfigurationError: the batch cannot be split evenly.
    """
    parts = processes.count * settings.optimization.accumulate
    if settings.data.batch_size % parts:
        raise ConfigurationError(
            f"Expected a batch size that {processes.count} processes and {settings.optimization.accumulate} "
            f"accumulated parts share evenly, found {settings.data.batch_size}: choose a multiple of {parts}."
        )
    return settings.data.batch_size // parts
