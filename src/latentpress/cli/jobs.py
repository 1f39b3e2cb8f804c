"""Working through many files: in several processes, with progress, and without stopping at the first
failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

from latentpress._processes import outcomes
from latentpress.cli import print_error
from latentpress.cli.plan import Job
from latentpress.errors import LatentPressError

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport

Work = Callable[[Job], "FileReport"]


def run_jobs(jobs: Sequence[Job], work: Work, processes: int, *, quiet: bool, verb: str) -> bool:
    """Do all the work, print what came of it on the standard error stream, and say whether all of it
    succeeded.

    Args:
        jobs: what to do.
        work: does one job; picklable if there are several processes. Its LatentPressErrors are reported.
        processes: in how many processes; 1 stays in this one.
        quiet: print errors only.
        verb: what the summary says of the files, such as "compressed".
    """
    start = time.perf_counter()
    console = Console(stderr=True, highlight=False)
    reports = []
    with progress_bar(console, shown=len(jobs) > 1 and not quiet) as progress:
        bar = progress.add_task("files", total=len(jobs))
        for job, outcome in outcomes(jobs, work, min(processes, len(jobs))):
            if isinstance(outcome, LatentPressError):
                print_error(f"{job.source}: {outcome}")
            else:
                reports.append(outcome)
            progress.advance(bar)
    if not quiet and reports:
        console.print(Text(_summary(reports, len(jobs), verb, time.perf_counter() - start)), soft_wrap=True)
    return len(reports) == len(jobs)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.2f} files/s")


def progress_bar(console: Console, *, shown: bool) -> Progress:
    """A bar of files, for a terminal only, which leaves nothing behind."""
    columns = (BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not (shown and console.is_terminal), transient=True)


def _summary(reports: Sequence[FileReport], total: int, verb: str, seconds: float) -> str:
    compressed = sum(report.compressed_size for report in reports)
    other = sum(report.other_size for report in reports)
    pixels = sum(report.pixels for report in reports)
    figures = (
        f"{readable_size(compressed)} compressed, {readable_size(other)} otherwise "
        f"({other / compressed:.1f}:1), {8 * compressed / pixels:.3f} bpp"
    )
    if total == 1:
        return f"{reports[0].source} -> {reports[0].target}: {figures}"
    return f"{len(reports)} of {total} files {verb}: {figures}, {seconds:.1f} s"


def readable_size(size: int) -> str:
    """A number of bytes in powers of 1000, such as `20.5 kB`."""
    value, units = float(size), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    for larger in units:
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
