"""Working through many files: in several processes, with progress, and without stopping at the first
failure."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

from latentpress.cli import print_error
from latentpress.cli.plan import Job
from latentpress.errors import ConfigurationError, LatentPressError

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport

Work = Callable[[Job], "FileReport"]
Outcome = tuple[Job, "FileReport | LatentPressError"]


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
    processes = min(processes, len(jobs))
    outcomes = _in_this_process(jobs, work) if processes == 1 else _in_processes(jobs, work, processes)
    console = Console(stderr=True, highlight=False)
    reports = []
    with _progress(console, shown=len(jobs) > 1 and not quiet) as progress:
        bar = progress.add_task("files", total=len(jobs))
        for job, outcome in outcomes:
            if isinstance(outcome, LatentPressError):
                print_error(f"{job.source}: {outcome}")
            else:
                reports.append(outcome)
            progress.advance(bar)
    if not quiet and reports:
        console.print(Text(_summary(reports, len(jobs), verb, time.perf_counter() - start)), soft_wrap=True)
    return len(reports) == len(jobs)


def _in_this_process(jobs: Iterable[Job], work: Work) -> Iterator[Outcome]:
    for job in jobs:
        yield job, _attempt(work, job)


def _in_processes(jobs: Iterable[Job], work: Work, processes: int) -> Iterator[Outcome]:
    """Outcomes as they come. An interrupt lets the files in hand be finished and starts no others."""
    # Threads do not survive a fork, and torch has them.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_use_one_thread)
    try:
        with _interrupts_ignored():
            futures = {pool.submit(_attempt, work, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise ConfigurationError(
            "Expected enough memory for every process, found one ended by the system: use fewer --jobs."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _attempt(work: Work, job: Job) -> FileReport | LatentPressError:
    try:
        return work(job)
    except LatentPressError as error:
        return error


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started in here leave Ctrl-C to this one."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.2f} files/s")


def _progress(console: Console, *, shown: bool) -> Progress:
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
