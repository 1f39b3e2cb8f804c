"""The standard streams of a command, made safe: closed ones, full ones, and readers that go away.

What cannot be written to the standard output is an error of one sentence; what cannot be written to the
standard error stream is lost, because there is nobody to tell.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from latentpress.errors import ConfigurationError


def guard_streams() -> None:
    """Put guards around the standard streams of this process, unless somebody replaced them by others.

    Descriptors of streams that are closed are opened on the null device, so that no file gets their number
    and whatever is written there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _guarded(sys.stdout, _Output(1, sys.stdout is not None))
    if sys.stderr is sys.__stderr__:
        sys.stderr = _guarded(sys.stderr, _Forgiving(2, "wb", closefd=False))


def flush_output() -> None:
    """Write what waits to be written to the standard output.

    Raises:
        ConfigurationError: it cannot be written.
    """
    with suppress(BrokenPipeError):  # the reader has what it wanted
        sys.stdout.flush()


class _Output(io.FileIO):
    """The standard output. After the first error, whatever else is written is dropped, so that no second one
    follows when the process ends."""

    def __init__(self, number: int, is_open: bool) -> None:
        super().__init__(number, "wb", closefd=False)
        self._open, self._failed = is_open, False

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if self._failed or not size:  # click writes nothing to find out what kind of stream it is
            return size
        try:
            if not self._open:
                raise OSError("it is closed")
            return super().write(data)
        except BrokenPipeError:
            self._failed = True
            raise
        except OSError as error:
            self._failed = True
            raise ConfigurationError(
                f"Expected to write to the standard output, found: {error.strerror or error}."
            ) from None


class _Forgiving(io.FileIO):
    """The standard error stream."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _guarded(stream: TextIO | None, raw: io.FileIO) -> TextIO:
    """A text stream like the one that was there, over the guard."""
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", write_through=True)
    buffered = isinstance(stream.buffer, io.BufferedWriter)
    return io.TextIOWrapper(
        io.BufferedWriter(raw) if buffered else raw,
        stream.encoding,
        stream.errors,
        line_buffering=bool(stream.line_buffering),
        write_through=not buffered,
    )
