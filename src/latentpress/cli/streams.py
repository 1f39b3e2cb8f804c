"""The standard input and output as files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from latentpress.cli.plan import STREAM
from latentpress.codec.disk import open_to_read, read_all, write_file
from latentpress.errors import ConfigurationError, ImageError


def read_input(inputs: Sequence[Path]) -> tuple[bytes, str]:
    """The bytes of the one input, which may be `-`, and what to call it in messages.

    Raises:
        ConfigurationError: there is more than one input.
        ImageError: the file or the standard input cannot be read, or is too large.
    """
    with input_file(inputs) as (file, name):
        return read_all(file, name), name


@contextmanager
def input_file(inputs: Sequence[Path]) -> Iterator[tuple[BinaryIO, str]]:
    """The same as a file to read, which need not seek."""
    if len(inputs) > 1:
        raise ConfigurationError(f"Expected one input where - is used, found {len(inputs)}.")
    if inputs[0] != STREAM:
        with open_to_read(inputs[0]) as file:
            yield file, str(inputs[0])
    elif sys.stdin is None:
        raise ImageError("Expected data on the standard input, found it closed.")
    else:
        yield sys.stdin.buffer, "the standard input"


def binary_output() -> BinaryIO:
    """The standard output, to write bytes to.

    Raises:
        ConfigurationError: it is a terminal.
    """
    stream = sys.stdout.buffer
    if stream.isatty():
        raise ConfigurationError(
            "Expected a file or a pipe as the standard output, found a terminal: use -o."
        )
    return stream


def write_output(output: Path | None, data: bytes, *, overwrite: bool) -> None:
    """Write to a file, or to the standard output if there is none or it is `-`.

    Raises:
        ConfigurationError: the file exists and must not be overwritten or cannot be written, or the
            standard output is a terminal.
    """
    if output is not None and output != STREAM:
        write_file(output, data, overwrite=overwrite)
        return
    stream = binary_output()
    rest = memoryview(data)
    while rest:  # under `python -u` the stream is unbuffered and a pipe takes what fits
        rest = rest[stream.write(rest) :]
    stream.flush()
