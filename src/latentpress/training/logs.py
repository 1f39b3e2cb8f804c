"""Where a run's figures go: a file of JSON lines always, TensorBoard and Weights & Biases where wanted."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from latentpress.errors import ConfigurationError
from latentpress.training.checkpoints import UnwritableError, written
from latentpress.training.settings import TrainingSettings

JSON_LOG = "log.jsonl"


class Log(Protocol):
    """Somewhere that figures and pictures of a run go."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take note of figures after a number of steps."""

    def images(self, step: int, pictures: Mapping[str, Tensor]) -> None:
        """Take note of pictures (3, H, W) in [0, 1]."""

    def close(self) -> None:
        """Write what is not written yet."""


class JsonLog:
    """One JSON object a line, in a file beside the checkpoints.

    Args:
        run: folder of the run.
        step: entries of later steps are dropped: a resumed run makes them again.
    """

    def __init__(self, run: Path, step: int) -> None:
        self._path = path = run / JSON_LOG
        kept = [line for line in _lines(path) if _step_of(line) <= step]
        with written(path) as partial:
            partial.write_text("".join(kept))
        self.file = path.open("a")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        try:
            self.file.write(json.dumps({"step": step, **finite}) + "\n")
            self.file.flush()
        except OSError as error:
            raise UnwritableError(self._path, error.strerror or str(error)) from error

    def images(self, step: int, pictures: Mapping[str, Tensor]) -> None:
        """Pictures have no place in this file."""

    def close(self) -> None:
        with suppress(OSError):  # which was said when a line could not be written
            self.file.close()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True) if path.exists() else []


def _step_of(line: str) -> float:
    """The step of an entry; infinite for one that was cut off when the process was killed."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


class TensorBoardLog:
    """Event files that `tensorboard --logdir RUN` shows."""

    def __init__(self, run: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1 if step else None)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def images(self, step: int, pictures: Mapping[str, Tensor]) -> None:
        for name, picture in pictures.items():
            self.writer.add_image(name, picture, step)

    def close(self) -> None:
        self.writer.close()


class WandbLog:
    """A run of Weights & Biases."""

    def __init__(self, run: Path, project: str, settings: TrainingSettings) -> None:
        try:
            import wandb
        except ImportError as error:
            raise ConfigurationError(
                "Logging to Weights & Biases needs the package wandb: install it, or leave wandb out."
            ) from error
        self.wandb = wandb
        self.run = wandb.init(
            project=project,
            name=run.name,
            id=run.name,
            resume="allow",
            dir=str(run),
            config=settings.values(),
        )

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log(dict(values), step=step)

    def images(self, step: int, pictures: Mapping[str, Tensor]) -> None:
        shown = {name: self.wandb.Image(picture) for name, picture in pictures.items()}
        self.run.log(shown, step=step)

    def close(self) -> None:
        self.run.finish()


def open_logs(run: Path, step: int, settings: TrainingSettings) -> list[Log]:
    """The logs that settings ask for.

    Args:
        run: folder of the run.
        step: number of steps already made.
        settings: TensorBoard is left out where it is not installed.

    Raises:
        ConfigurationError: Weights & Biases is asked for and not installed.
    """
    logs: list[Any] = [JsonLog(run, step)]
    if settings.reports.tensorboard and _has_tensorboard():
        logs.append(TensorBoardLog(run, step))
    if settings.reports.wandb is not None:
        logs.append(WandbLog(run, settings.reports.wandb, settings))
    return logs


def _has_tensorboard() -> bool:
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        return False
    return True
