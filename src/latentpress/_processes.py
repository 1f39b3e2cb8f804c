"""Working through many items, in this process or in several, without stopping at the first failure."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from latentpress.errors import ConfigurationError, LatentPressError

Item = TypeVar("Item")
Result = TypeVar("Result")


def outcomes(
    items: Iterable[Item], work: Callable[[Item], Result], processes: int
) -> Iterator[tuple[Item, Result | LatentPressError]]:
    """Each item with what `work` made of it, or with the LatentPressError that it raised.

    Args:
        items: what to work on.
        work: does one item; with several processes it is picklable, and so are items and results.
        processes: in how many processes; 1 stays in this one and keeps the order of the items. In several,
            each computes on one thread, and outcomes come as they are done.

    Raises:
        ConfigurationError: the system ended a process.
    """
    if processes == 1:
        return ((item, _attempt(work, item)) for item in items)
    return _in_processes(items, work, processes)


def _in_processes(
    items: Iterable[Item], work: Callable[[Item], Result], processes: int
) -> Iterator[tuple[Item, Result | LatentPressError]]:
    """An interrupt lets the items in hand be finished and starts no others."""
    # Threads do not survive a fork, and torch has them.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_use_one_thread)
    try:
        with _interrupts_ignored():
            futures = {pool.submit(_attempt, work, item): item for item in items}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise ConfigurationError(
            "Expected enough memory for every process, found one ended by the system: use fewer --jobs."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _attempt(work: Callable[[Item], Result], item: Item) -> Result | LatentPressError:
    try:
        return work(item)
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
