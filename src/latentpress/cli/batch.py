"""What `compress` and `decompress` have in common: which files, in how many processes, how loud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from latentpress.cli.options import combined, files_options, weights_options
from latentpress.cli.plan import STREAM


@dataclass(frozen=True)
class Batch:
    """The files of a command.

    Attributes:
        inputs: files and folders, or `-` for the standard input.
        output: file or folder to write, or `-` for the standard output; None for beside the originals.
        overwrite: whether to replace files that exist.
        skip_existing: whether files count as done that exist and were made of the same sources with the same
            settings; None if nobody said so.
        jobs: processes to work in.
        quiet: print errors only.
    """

    inputs: tuple[Path, ...]
    output: Path | None
    overwrite: bool
    skip_existing: bool | None
    jobs: int
    quiet: bool

    @property
    def has_folder(self) -> bool:
        """Whether an input is a folder."""
        return any(path.is_dir() for path in self.inputs)

    @property
    def streams(self) -> bool:
        """Whether the standard input or output is meant."""
        return STREAM in (*self.inputs, self.output)


def batch_command(*options: Callable[[Any], Any]) -> Callable[[Any], click.Command]:
    """A command for files out of a function that takes the batch, and the options that were given by name.

    The function returns the exit status.

    Args:
        options: those of this command alone, shown between the others.
    """

    def decorate(function: Callable[[Batch, dict[str, Any]], int]) -> click.Command:
        @click.pass_context
        @wraps(function)
        def call(
            ctx: click.Context,
            inputs: tuple[Path, ...],
            output: Path | None,
            overwrite: bool,
            skip_existing: bool | None,
            jobs: int,
            quiet: bool,
            **given: Any,
        ) -> None:
            known = {name: value for name, value in given.items() if value is not None}
            status = function(Batch(inputs, output, overwrite, skip_existing, jobs, quiet), known)
            if status:
                ctx.exit(status)

        described = combined(files_options, *options, weights_options)(call)
        command: click.Command = click.command(described)
        return command

    return decorate
