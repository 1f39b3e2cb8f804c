"""Working through many files: in several processes, with progress, and without stopping at the first
failure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TimeRemainingColumn,
)
from rich.text import Text

from latentpress._processes import outcomes
from latentpress.cli import print_error
from latentpress.cli.batch import Batch
from latentpress.cli.made import Ledger
from latentpress.cli.plan import Job
from latentpress.errors import ConfigurationError, LatentPressError

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport

Work = Callable[..., "FileReport"]
OnFrame = Callable[..., None]  # of frames done, all frames or None, and what they are called

DAMAGED = 3
"""Exit status where everything was made, but something of it out of damaged files."""


def run_jobs(jobs: Sequence[Job], work: Work, batch: Batch, options: Mapping[str, Any], verb: str) -> int:
    """Do all the work, print what came of it on the standard error stream, and return the exit status: 1 if a
    job failed. An interrupt ends the work; what was done until then is summed up all the same.

    Args:
        jobs: what to do. Those whose results are there of the same sources and settings are done already,
            where the batch says so.
        work: does one job; picklable if there are several processes. Its LatentPressErrors are reported. In
            one process, it is given `on_frame`, to tell of the frames of videos.
        batch: in how many processes, what becomes of files that exist, and how loud.
        options: the settings of the work.
        verb: what the summary says of the files, such as "compressed".
    """
    tally = _Tally(len(jobs), verb, time.perf_counter())
    ledger = Ledger(verb, options)
    console = Console(stderr=True, highlight=False)
    interrupt = None
    with progress_bar(console, shown=not batch.quiet) as progress:
        bar = progress.add_task("files", total=len(jobs), visible=len(jobs) > 1)
        try:
            left = _left_to_do(jobs, batch, ledger, tally)
            progress.advance(bar, len(jobs) - len(left))
            processes = max(1, min(batch.jobs, len(left)))
            attempt = partial(work, on_frame=_frame_counter(progress)) if processes == 1 else work
            for job, outcome in outcomes(left, attempt, processes):
                if isinstance(outcome, LatentPressError):
                    tally.fail(job, outcome)
                else:
                    tally.reports.append(outcome)
                    _remark(outcome, batch.quiet)
                    if outcome.damage is None:
                        ledger.note(job)
                progress.advance(bar)
        except KeyboardInterrupt as error:
            interrupt = error
    if not batch.quiet and (len(jobs) > 1 or tally.reports or tally.kept):
        console.print(Text(tally.summary()), soft_wrap=True)
    if interrupt is not None:
        raise interrupt
    return 1 if tally.failed else exit_status(tally.reports)


def _left_to_do(jobs: Sequence[Job], batch: Batch, ledger: Ledger, tally: _Tally) -> list[Job]:
    """The jobs whose results are not there; those whose results must not be replaced have failed."""
    keep = (len(jobs) > 1 or batch.has_folder) and not batch.overwrite
    if batch.skip_existing is not None:
        keep = batch.skip_existing
    left = []
    for job in jobs:
        ledger.begin(job)
        if keep and ledger.has(job):
            tally.kept += 1
        elif batch.overwrite or not os.path.lexists(job.target):
            left.append(job)
        else:
            unknown = " that is not known to be made of this file with these settings" if keep else ""
            error = ConfigurationError(
                f"Expected no file at {job.target}, found one{unknown}: allow overwriting with --overwrite, "
                "or choose another name."
            )
            tally.fail(job, error)
    return left


@dataclass
class _Tally:
    """What came of the jobs so far."""

    total: int
    verb: str
    start: float
    reports: list[FileReport] = field(default_factory=list)
    kept: int = 0
    failed: int = 0

    def fail(self, job: Job, error: LatentPressError) -> None:
        """Count a failure, and tell of it."""
        print_error(f"{job.source}: {error}")
        self.failed += 1

    def summary(self) -> str:
        """All of it in a line."""
        seconds = time.perf_counter() - self.start
        if self.total == 1 and self.reports:
            report = self.reports[0]
            frames = report.frames
            speed = "" if frames is None else f", {frames} frames, {frames / seconds:.2f} frames/s"
            return f"{report.source} -> {report.target}: {_figures(self.reports)}{speed}"
        left = self.total - len(self.reports) - self.kept - self.failed
        others = {
            "kept, as they were done already": self.kept,
            "failed": self.failed,
            "not begun or not finished": left,
        }
        counts = [f"{len(self.reports)} of {self.total} files {self.verb}"]
        counts += [f"{number} {state}" for state, number in others.items() if number]
        figures = [_figures(self.reports)] if self.reports else []
        return f"{'; '.join(counts)}: {', '.join([*figures, f'{seconds:.1f} s'])}"


def exit_status(reports: Sequence[FileReport]) -> int:
    """Of files that were made; tells of damage in their originals on the standard error stream."""
    damaged = [report for report in reports if report.damage is not None]
    for report in damaged:
        print_error(f"{report.source}: {report.damage}")
    return DAMAGED if damaged else 0


def _remark(report: FileReport, quiet: bool) -> None:
    for remark in () if quiet else report.remarks:
        click.echo(f"latentpress: {report.source}: {remark}", err=True)


def _frame_counter(progress: Progress) -> OnFrame:
    """What to call after every frame of a video, or step of an image; it shows a bar of the file in hand."""
    bars: list[TaskID] = []

    def on_frame(done: int, total: int | None, unit: str = "frames") -> None:
        if done == 1 or not bars:
            for bar in bars:
                progress.remove_task(bar)
            bars[:] = [progress.add_task(unit, unit=unit, total=total)]
        progress.update(bars[0], completed=done, total=total)

    return on_frame


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.2f} {task.fields.get('unit', 'files')}/s")


def progress_bar(console: Console, *, shown: bool) -> Progress:
    """A bar of files, for a terminal only, which leaves nothing behind."""
    columns = (BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not (shown and console.is_terminal), transient=True)


def _figures(reports: Sequence[FileReport]) -> str:
    compressed = sum(report.compressed_size for report in reports)
    other = sum(report.other_size for report in reports)
    pixels = sum(report.pixels for report in reports)
    return (
        f"{readable_size(compressed)} compressed, {readable_size(other)} otherwise "
        f"({other / compressed:.1f}:1), {8 * compressed / pixels:.3f} bpp"
    )


def readable_size(size: int) -> str:
    """A number of bytes in powers of 1000, such as `20.5 kB`."""
    value, units = float(size), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    for larger in units:
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
