"""What the user sees while a run is on: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_DIGITS = {"loss": 4, "bpp": 4, "psnr": 2, "ms_ssim": 4}
_NAMES = {"psnr": "PSNR", "ms_ssim": "MS-SSIM"}


class TrainingProgress:
    """Loss, bits per pixel, PSNR, images per second and the time left.

    Args:
        steps: length of the run.
        done: steps already made.
        batch: images a step.
        shown: whether to show anything; one process of a run does.
        console: where; the standard error stream if None.
    """

    def __init__(
        self, steps: int, done: int, batch: int, shown: bool = True, console: Console | None = None
    ) -> None:
        self.console = console or Console(stderr=True, highlight=False, quiet=not shown)
        self.batch, self.done, self.steps = batch, done, steps
        self._since, self._steps_since = time.perf_counter(), 0
        columns = (
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=self.console, disable=not (shown and self.console.is_terminal))
        self._task = self._bar.add_task("train", total=steps, completed=done, epoch=1, figures="")

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self) -> None:
        """A step was made."""
        self.done += 1
        self._steps_since += 1
        self._bar.advance(self._task)

    def images_per_second(self) -> float:
        """Over the steps since this was last asked."""
        now = time.perf_counter()
        speed = self._steps_since * self.batch / max(now - self._since, 1e-9)
        self._since, self._steps_since = now, 0
        return speed

    def show(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Show the figures of the last steps."""
        text = figures_in_a_line(figures)
        self._bar.update(self._task, epoch=epoch, figures=text)
        if not self.console.is_terminal:
            self.console.print(f"epoch {epoch}, step {self.done}/{self.steps}: {text}", soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.console.print(text, soft_wrap=True, markup=False)


def figures_in_a_line(figures: Mapping[str, float]) -> str:
    """The figures that are worth watching, for people.

    Example:
        >>> figures_in_a_line({"loss": 1.25, "psnr": 30.123, "images_per_second": 12.34})
        'loss 1.2500, PSNR 30.12, 12.3 images/s'
    """
    parts = [
        f"{_NAMES.get(name, name)} {figures[name]:.{digits}f}"
        for name, digits in _DIGITS.items()
        if name in figures
    ]
    if "images_per_second" in figures:
        parts.append(f"{figures['images_per_second']:.1f} images/s")
    return ", ".join(parts)
