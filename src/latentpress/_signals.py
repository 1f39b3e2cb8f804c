"""Signals that ask the process to end: as exceptions that let it tidy up, or as requests to stop in
between.

Ctrl-C raises KeyboardInterrupt in any Python program. What `kill`, a batch system or a terminal that goes
away send (SIGTERM, SIGHUP) would end the process on the spot; here they do the same as Ctrl-C.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_POLITE = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

Handler = Callable[[int, "FrameType | None"], None]


class Interrupted(KeyboardInterrupt):
    """A signal asked the process to end.

    Args:
        number: of the signal.
        note: what the user should know, such as where the state was saved.
    """

    def __init__(self, number: int, note: str = "") -> None:
        super().__init__(note)
        self.number, self.note = number, note


def interruption(error: KeyboardInterrupt) -> tuple[int, str]:
    """Exit status of a process that was interrupted, 128 and the signal's number as shells have it, and what
    to tell the user."""
    number, note = (error.number, error.note) if isinstance(error, Interrupted) else (signal.SIGINT, "")
    return 128 + int(number), f"interrupted{': ' if note else '.'}{note}"


@contextmanager
def raised() -> Iterator[None]:
    """SIGTERM and SIGHUP raise `Interrupted` in the block, unless the process was told to treat them
    otherwise, as `nohup` does."""

    def raise_it(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    with _handled(raise_it, [number for number in _POLITE if signal.getsignal(number) is signal.SIG_DFL]):
        yield


def ignore_signals() -> None:
    """Leave SIGINT, SIGTERM and SIGHUP to another process, from now on."""
    for number in (signal.SIGINT, *_POLITE):
        signal.signal(number, signal.SIG_IGN)


class StopRequest:
    """Whether a signal has asked the process to end.

    Attributes:
        number: of the signal; None while there was none.
    """

    number: int | None = None

    def note(self, number: int, frame: FrameType | None) -> None:
        """Take note of the first signal; a second one is in a hurry and raises `Interrupted`."""
        if self.number is not None:
            raise Interrupted(number)
        self.number = number


@contextmanager
def requested() -> Iterator[StopRequest]:
    """SIGINT, SIGTERM and SIGHUP only make the request true in the block, which looks at it where it can
    stop."""
    request = StopRequest()
    ignored = (signal.SIG_IGN, None)
    numbers = [number for number in (signal.SIGINT, *_POLITE) if signal.getsignal(number) not in ignored]
    with _handled(request.note, numbers):
        yield request


@contextmanager
def _handled(handler: Handler, numbers: list[signal.Signals]) -> Iterator[None]:
    """Only the main thread may set handlers; elsewhere signals stay as they are."""
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
