"""A run from its beginning, or from where it was interrupted, to its end."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import IterableDataset

from latentpress._signals import Interrupted, StopRequest, requested
from latentpress.errors import ConfigurationError
from latentpress.training import checkpoints
from latentpress.training.data import StepBatches, training_images, validation_folder
from latentpress.training.engine import Trainer, TrainingDiverged, parts_of_a_step
from latentpress.training.logs import Log, open_logs
from latentpress.training.networks import constructor_arguments, make_model
from latentpress.training.processes import Processes, joined
from latentpress.training.progress import TrainingProgress, figures_in_a_line
from latentpress.training.randomness import seed_everything
from latentpress.training.settings import TrainingSettings
from latentpress.training.validation import ValidationSet, validate

SETTINGS_FILE = "settings.json"
SMALLEST_MS_SSIM_PATCH = 161


def train(settings: TrainingSettings, *, model: nn.Module | None = None, dataset: Any = None) -> nn.Module:
    """Train, going on from the last checkpoint in the run's folder if there is one.

    The folder gets `settings.json`, `last.pt` (everything needed to go on), `best.pt` (the same, of the best
    epoch), `weights.safetensors` (of the best epoch, ready to compress) and the logs.

    Args:
        settings: what to train, on what and how; see `latentpress.training.resolve`.
        model: the network, instead of the one that the settings name.
        dataset: training images, (3, H, W) each, instead of those in the settings' folder.

    Returns:
        The trained model, with averaged weights if the settings ask for an average, in evaluation mode.

    Raises:
        ConfigurationError: settings do not go together.
        TrainingDiverged: the loss stopped being a number; the message names the last good checkpoint.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP came. The step in hand was finished and the state saved,
            unless the signal came twice.
    """
    with joined(settings.compute.device) as processes, _exact(settings.compute.deterministic):
        return Run(settings, processes, model, dataset).go()


class Run:
    """A trainer with everything around it; see `train` for the arguments."""

    def __init__(
        self, settings: TrainingSettings, processes: Processes, model: nn.Module | None, dataset: Any
    ) -> None:
        _check(settings)
        self.settings, self.processes = settings, processes
        self.folder = Path(settings.reports.run)
        self.part = parts_of_a_step(settings, processes)
        seed_everything(settings.compute.seed, "weights")
        model = make_model(settings.model) if model is None else model
        self.dataset = training_images(settings.data) if dataset is None else dataset
        self.epoch_steps = settings.optimization.epoch_steps or self._one_pass()
        self.steps = self.epoch_steps * settings.optimization.epochs
        self.trainer = Trainer(model, settings, self.steps, processes)
        self.best = math.inf
        self.loss_sum = 0.0  # of this epoch's steps
        self.skipped = 0  # images that were left out so far
        self.place: tuple[int, int] | None = None  # in a stream, where the run was interrupted
        self.validation_set = self._validation_set(model)

    def _one_pass(self) -> int:
        """Steps of a pass over the data. A stream's length is that of one process's share."""
        batch = self.settings.data.batch_size
        if isinstance(self.dataset, IterableDataset):
            batch //= self.processes.count
        try:
            return max(1, len(self.dataset) // batch)
        except TypeError as error:
            raise ConfigurationError(
                "Expected epoch_steps for data whose length is not known, found 0: say how many steps are an "
                "epoch."
            ) from error

    def go(self) -> nn.Module:
        """Train until the end."""
        self._prepare_folder()
        logs = open_logs(self.folder, self.trainer.step, self.settings) if self.processes.first else []
        batch = self.settings.data.batch_size
        progress = TrainingProgress(self.steps, self.trainer.step, batch, shown=self.processes.first)
        try:
            with progress, requested() as request:
                self._train(progress, logs, request)
        finally:
            for log in logs:
                log.close()
        return self.trainer.trained_model.eval()

    def _train(self, progress: TrainingProgress, logs: list[Log], request: StopRequest) -> None:
        seed, start = self.settings.compute.seed, self.trainer.step
        self.batches = batches = StepBatches(
            self.dataset, self.settings.data, seed, self.part, self.processes, start, self.place
        )
        recent: list[dict[str, float]] = []
        reports = self.settings.reports
        while self.trainer.step < self.steps:
            recent.append(self._step(next(batches)))
            self.loss_sum += recent[-1]["loss"]
            progress.advance()
            step, at_end = self.trainer.step, self.trainer.step % self.epoch_steps == 0
            if step % reports.log_every == 0 or at_end:
                self._report(recent, progress, logs)
                recent = []
            if at_end:
                self._end_epoch(progress, logs)
            elif step % reports.save_every == 0:
                self._save(checkpoints.LAST)
            self._stop_if_asked(request)

    def _stop_if_asked(self, request: StopRequest) -> None:
        """Save the state and stop where a signal asked for it; all processes do so after the same step.

        Raises:
            Interrupted: a signal asked.
        """
        number = self.processes.largest(request.number or 0)
        if number and self.trainer.step < self.steps:
            self._save(checkpoints.LAST)
            raise Interrupted(
                number,
                f"the state after step {self.trainer.step} of {self.steps} is in "
                f"{self.folder / checkpoints.LAST}; the same command goes on from there.",
            )

    def _step(self, batches: list[Any]) -> dict[str, float]:
        try:
            return self.trainer.train_step(batches)
        except TrainingDiverged as error:
            last = self.folder / checkpoints.LAST
            remedy = f"the last good checkpoint is {last}" if last.exists() else "there is no checkpoint yet"
            raise TrainingDiverged(
                f"{str(error).rstrip('.')}: {remedy}; lower the learning rate or look at the data."
            ) from error

    def _report(self, recent: list[dict[str, float]], progress: TrainingProgress, logs: list[Log]) -> None:
        figures = {name: sum(entry[name] for entry in recent) / len(recent) for name in recent[0]}
        figures = self.processes.means(figures)
        figures["images_per_second"] = progress.images_per_second()
        figures["seconds"] = len(recent) * self.settings.data.batch_size / figures["images_per_second"]
        progress.show(self._epoch(), figures)
        for log in logs:
            log.scalars(self.trainer.step, {**figures, "lr": self.trainer.learning_rate})

    def _epoch(self) -> int:
        return (self.trainer.step - 1) // self.epoch_steps + 1

    def _end_epoch(self, progress: TrainingProgress, logs: list[Log]) -> None:
        """Take stock of the epoch, let the schedule know, and save."""
        loss = self._epoch_loss() if self.validation_set is None else self._validate(progress, logs)
        self.loss_sum = 0.0
        self._tell_of_skipped(progress)
        if loss is not None:
            self.trainer.schedule.end_epoch(loss)
        if loss is not None and loss < self.best:
            self.best = loss
            self._save(checkpoints.BEST)
            self._export()
        self._save(checkpoints.LAST)

    def _tell_of_skipped(self, progress: TrainingProgress) -> None:
        skipped = int(getattr(self.dataset, "skipped", 0))
        if skipped > self.skipped:
            progress.say(
                f"{skipped} training images were left out so far, because they cannot be read or used"
            )
        self.skipped = skipped

    def _epoch_loss(self) -> float:
        """The mean training loss of the epoch, over all processes."""
        return self.processes.means({"loss": self.loss_sum})["loss"] / self.epoch_steps

    def _validate(self, progress: TrainingProgress, logs: list[Log]) -> float | None:
        """The loss on the validation images; None in an epoch after which there is no validation."""
        trainer = self.trainer
        due = self._epoch() % self.settings.reports.validate_every == 0 or trainer.step == self.steps
        if self.validation_set is None or not due:
            return None
        shown = self.settings.reports.reconstructions if self.processes.first else 0
        result = validate(
            trainer.trained_model, trainer.objective, self.validation_set, self.processes, shown
        )
        progress.say(f"epoch {self._epoch()}, validation: {figures_in_a_line(result.means)}")
        for log in logs:
            log.scalars(trainer.step, {f"validation/{name}": value for name, value in result.means.items()})
            log.images(trainer.step, result.reconstructions)
        return result.means["loss"]

    def _save(self, name: str) -> None:
        loss_sum = self.processes.means({"loss": self.loss_sum})["loss"]
        if self.processes.first:
            state = {
                **self.trainer.state_dict(),
                "best": self.best,
                "loss_sum": loss_sum,
                "place": self.batches.place,
                "settings": self.settings.values(),
            }
            checkpoints.save_state(state, self.folder / name)

    def _export(self) -> None:
        if self.processes.first:
            model = self.trainer.trained_model
            arguments = constructor_arguments(self.settings.model, model)
            checkpoints.export_weights(model, self.folder / checkpoints.WEIGHTS, arguments)

    def _prepare_folder(self) -> None:
        """Make the folder, or go on from what is in it."""
        last = self.folder / checkpoints.LAST
        if last.exists():
            self._resume(last)
        elif self.settings.model.state is not None:
            self._go_on_from(Path(self.settings.model.state))
        if self.processes.first:
            self._make_folder()
            checkpoints.remove_leftovers(self.folder)
            with checkpoints.written(self.folder / SETTINGS_FILE) as partial:
                self.settings.save(partial)

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"Expected a folder for the run at {self.folder}, found: {error.strerror or error}; choose "
                "another one (--run)."
            ) from error

    def _resume(self, path: Path) -> None:
        state = checkpoints.load_state(path)
        self._check_resumable(state.get("settings", {}), path)
        self.trainer.load_state_dict(state)
        self.best, self.loss_sum = state["best"], state["loss_sum"]
        place = state.get("place")
        self.place = None if place is None else tuple(place)

    def _go_on_from(self, path: Path) -> None:
        """Take up the state of another run; what is best is found anew."""
        self.trainer.load_state_dict(checkpoints.load_state(path))
        if self.trainer.step >= self.steps:
            raise ConfigurationError(
                f"Expected a run of more than {self.trainer.step} steps, which the state in {path} has made, "
                f"found one of {self.steps}: give more epochs."
            )

    def _check_resumable(self, before: dict[str, Any], path: Path) -> None:
        now = self.settings.values()
        changed = [name for name in _FIXED if name in before and before[name] != now[name]]
        if changed:
            name = changed[0]
            raise ConfigurationError(
                f"The run in {path.parent} was started with {name} {before[name]!r}, not {now[name]!r}: "
                "go on with the same, or choose another folder for the run."
            )

    def _validation_set(self, model: nn.Module) -> ValidationSet | None:
        data = self.settings.data
        folder = data.validation or (validation_folder(data.data, data.frames) if data.data else None)
        if folder is None:
            return None
        factor = int(getattr(model, "downsampling_factor", 64))
        limit, batch = data.validation_limit, data.validation_batch
        return ValidationSet(folder, factor, frames=data.frames, limit=limit, batch=batch)


# What the weights of a run depend on from its first step.
_FIXED = (
    *("model", "quality", "arguments", "metric", "lmbda", "seed", "batch_size", "patch_size", "optimizer"),
    "frozen",
)


def _check(settings: TrainingSettings) -> None:
    patch = settings.data.patch_size
    if settings.model.metric == "ms-ssim" and patch < SMALLEST_MS_SSIM_PATCH:
        raise ConfigurationError(
            f"Expected patches of at least {SMALLEST_MS_SSIM_PATCH} pixels for MS-SSIM, found {patch}."
        )


@contextmanager
def _exact(wanted: bool) -> Iterator[None]:
    """Have torch take algorithms that give the same result each time, for as long as the block lasts."""
    before = torch.are_deterministic_algorithms_enabled()
    benchmark = torch.backends.cudnn.benchmark
    filling = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(wanted, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not wanted
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = benchmark
