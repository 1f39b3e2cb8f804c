"""Working through many items, in this process or in several, without stopping at the first failure.

Several processes are fed one item at a time, so that when the system ends one it is known which item it had.
Each watches a pipe that only the first process holds: it ends with that one, however that ends.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from latentpress._files import remove_unfinished
from latentpress.errors import ConfigurationError, LatentPressError, OutOfMemoryError

Item = TypeVar("Item")
Result = TypeVar("Result")

_LEFT_TO_PARENT = tuple(getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name))
_PATIENCE = 10  # seconds for a process to end that was told to
_READY = "ready"
# What torch says where it does not raise MemoryError.
_SIGNS_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def outcomes(
    items: Iterable[Item], work: Callable[[Item], Result], processes: int
) -> Iterator[tuple[Item, Result | LatentPressError]]:
    """Each item with what `work` made of it, or with the LatentPressError that it raised. That memory was too
    small for an item is one, too: the others are done.

    Args:
        items: what to work on.
        work: does one item; with several processes it is picklable, and so are items and results.
        processes: in how many processes; 1 stays in this one and keeps the order of the items. In several,
            each computes on one thread, and outcomes come as they are done.

    Raises:
        ConfigurationError: a process cannot be started.
    """
    if processes == 1:
        return ((item, _attempt(work, item)) for item in items)
    return _in_processes(items, work, processes)


def out_of_memory(error: BaseException) -> OutOfMemoryError | None:
    """The error to report where this one says that memory is short; None where it says something else."""
    text = str(error).lower()
    if not isinstance(error, MemoryError) and not any(sign in text for sign in _SIGNS_OF_MEMORY):
        return None
    return OutOfMemoryError(
        "Expected enough memory for this file, found too little: make it smaller, or work in fewer processes."
    )


def _in_processes(
    items: Iterable[Item], work: Callable[[Item], Result], processes: int
) -> Iterator[tuple[Item, Result | LatentPressError]]:
    """An interrupt ends the processes at once; what they have not finished leaves no trace."""
    waiting = iter(items)
    workers: list[_Worker[Item, Result]] = []
    try:
        for item in islice(waiting, processes):
            workers.append(_Worker(work))
            workers[-1].give(item)
        while workers:
            ready = wait([worker.connection for worker in workers])
            for worker in [worker for worker in workers if worker.connection in ready]:
                done = worker.take()
                if done is None:
                    continue
                if not worker.alive:
                    workers.remove(worker)
                    worker.end()
                for item in islice(waiting, 1):
                    if not worker.alive:
                        worker = _Worker(work)
                        workers.append(worker)
                    worker.give(item)
                    break
                else:
                    if worker.alive:
                        workers.remove(worker)
                        worker.end()
                yield done
    finally:
        for worker in workers:
            worker.end()


class _Worker(Generic[Item, Result]):
    """A process, seen from the one that feeds it."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        context = get_context("spawn")  # threads do not survive a fork, and torch has them
        self.connection, theirs = context.Pipe()
        watched, self._held = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(theirs, watched, work), daemon=True)
        with _signals_ignored():
            self._process.start()
        theirs.close()
        watched.close()
        self.alive, self._ready = True, False

    def give(self, item: Item) -> None:
        """Have it do an item, which it was without."""
        self._item = item
        with suppress(OSError):  # a process that is gone is noticed when it should answer
            self.connection.send(item)

    def take(self) -> tuple[Item, Result | LatentPressError] | None:
        """The item and what came of it; None if the process only said that it is ready."""
        try:
            answer: Any = self.connection.recv()
        except (EOFError, OSError):
            return self._item, self._fate()
        if answer == _READY:
            self._ready = True
            return None
        outcome, error, trace = answer
        if error is not None:
            raise error from RuntimeError(f"in another process:\n{trace}")
        return self._item, outcome

    def end(self) -> None:
        """Have it end at once, whatever it does."""
        self._held.close()
        self.connection.close()
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _fate(self) -> LatentPressError:
        self.alive = False
        self._process.join(_PATIENCE)
        found = f"one that ended with status {self._process.exitcode}"
        if not self._ready:
            raise ConfigurationError(f"Expected a process to work in, found {found} before it began.")
        return OutOfMemoryError(
            f"Expected the process that had this file to finish it, found {found}, as when memory is short: "
            "make the file smaller, or work in fewer processes."
        )


def _serve(connection: Connection, watched: Connection, work: Callable[[Any], Any]) -> None:
    """What a process does until it is told to end."""
    for number in _LEFT_TO_PARENT:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: _leave(128 + number))
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    _use_one_thread()
    with suppress(EOFError, OSError):  # ended or reset: nobody waits for this process any more
        connection.send(_READY)
        while True:
            item = connection.recv()
            try:
                answer: tuple[Any, Exception | None, str] = _attempt(work, item), None, ""
            except Exception as error:
                answer = None, error, traceback.format_exc()
            connection.send(answer)


def _end_with(watched: Connection) -> None:
    """End this process when the pipe does, which is when the process at its other end lets go or is gone."""
    with suppress(EOFError, OSError):
        watched.recv()
    _leave(1)


def _leave(status: int) -> None:
    remove_unfinished()
    os._exit(status)


def _attempt(work: Callable[[Item], Result], item: Item) -> Result | LatentPressError:
    try:
        return work(item)
    except LatentPressError as error:
        return error
    except (MemoryError, RuntimeError) as error:
        short = out_of_memory(error)
        if short is None:
            raise
    return short


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Processes started in here leave signals that the whole group gets to this one, from their first
    moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _LEFT_TO_PARENT}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
