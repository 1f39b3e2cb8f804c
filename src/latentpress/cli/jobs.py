"""Working through many files: in several processes, with progress, and without stopping at the first
failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

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
from latentpress.cli.plan import Job
from latentpress.errors import LatentPressError

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport

Work = Callable[..., "FileReport"]
OnFrame = Callable[[int, "int | None"], None]

DAMAGED = 3
"""Exit status where everything was made, but something of it out of damaged files."""


def run_jobs(jobs: Sequence[Job], work: Work, processes: int, *, quiet: bool, verb: str) -> int:
    """Do all the work, print what came of it on the standard error stream, and return the exit status: 1 if a
    job failed. An interrupt ends the work; what was done until then is summed up all the same.

    Args:
        jobs: what to do.
        work: does one job; picklable if there are several processes. Its LatentPressErrors are reported. In
            one process, it is given `on_frame`, to tell of the frames of videos.
        processes: in how many processes; 1 stays in this one.
        quiet: print errors only.
        verb: what the summary says of the files, such as "compressed".
    """
    start = time.perf_counter()
    console = Console(stderr=True, highlight=False)
    reports: list[FileReport] = []
    failed, interrupt = 0, None
    alone = min(processes, len(jobs)) == 1
    with progress_bar(console, shown=not quiet) as progress:
        bar = progress.add_task("files", total=len(jobs), visible=len(jobs) > 1)
        attempt = partial(work, on_frame=_frame_counter(progress)) if alone else work
        try:
            for job, outcome in outcomes(jobs, attempt, min(processes, len(jobs))):
                if isinstance(outcome, LatentPressError):
                    print_error(f"{job.source}: {outcome}")
                    failed += 1
                else:
                    reports.append(outcome)
                    _remark(outcome, quiet)
                progress.advance(bar)
        except KeyboardInterrupt as error:
            interrupt = error
    if not quiet and (len(jobs) > 1 or reports):
        seconds = time.perf_counter() - start
        console.print(Text(_summary(reports, failed, len(jobs), verb, seconds)), soft_wrap=True)
    if interrupt is not None:
        raise interrupt
    return exit_status(reports) if not failed else 1


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
    """What to call after every frame of a video; it shows a bar of the frames of the video in hand."""
    bars: list[TaskID] = []

    def on_frame(done: int, total: int | None) -> None:
        if done == 1:
            for bar in bars:
                progress.remove_task(bar)
            bars[:] = [progress.add_task("frames", unit="frames", total=total)]
        progress.update(bars[0], completed=done, total=total)

    return on_frame


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.2f} {task.fields.get('unit', 'files')}/s")


def progress_bar(console: Console, *, shown: bool) -> Progress:
    """A bar of files, for a terminal only, which leaves nothing behind."""
    columns = (BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not (shown and console.is_terminal), transient=True)


def _summary(reports: Sequence[FileReport], failed: int, total: int, verb: str, seconds: float) -> str:
    if total == 1 and reports:
        frames = reports[0].frames
        speed = "" if frames is None else f", {frames} frames, {frames / seconds:.2f} frames/s"
        return f"{reports[0].source} -> {reports[0].target}: {_figures(reports)}{speed}"
    counts = [f"{len(reports)} of {total} files {verb}"]
    left = total - len(reports) - failed
    counts += [
        f"{number} {state}"
        for number, state in ((failed, "failed"), (left, "not begun or not finished"))
        if number
    ]
    figures = [f"{_figures(reports)}"] if reports else []
    return f"{', '.join(counts)}: {', '.join([*figures, f'{seconds:.1f} s'])}"


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
