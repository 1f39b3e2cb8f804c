"""The `latentpress` command: one module a command, imported when it is needed, each a thin skin over the
library."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

import latentpress
from latentpress._processes import out_of_memory
from latentpress._signals import interruption, raised
from latentpress._streams import flush_output, guard_streams
from latentpress.errors import LatentPressError

# A command `x-y` is the click command called `command` in the module `latentpress.cli.x_y`, which imports
# what is slow to import inside its functions.
HIERARCHICAL = ("progressive", "sample", "interpolate", "inpaint", "curve", "cost")
COMMANDS = (
    "compress",
    "decompress",
    "info",
    "models",
    "data",
    "train",
    "update",
    "eval",
    "bench",
    "find-close",
    "leaderboard",
    "plot",
    "report",
    "demo",
    *HIERARCHICAL,
)


class _Commands(click.Group):
    """Commands that are imported on demand, and errors of the library printed as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        guard_streams()
        try:
            with raised():
                try:
                    return super().main(*args, **extra)
                finally:
                    flush_output()
        except LatentPressError as error:  # outside of every command, such as help that cannot be written
            print_error(str(error))
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> object:  # noqa: RET503 - exit does not return
        try:
            return super().invoke(ctx)
        except LatentPressError as error:
            print_error(str(error))
        except KeyboardInterrupt as error:
            status, text = interruption(error)
            click.echo(f"latentpress: {text}", err=True)
            ctx.exit(status)
        except BrokenPipeError:  # which click knows how to treat
            raise
        except (MemoryError, OSError, RuntimeError) as error:
            sentence = _sentence(error)
            if sentence is None:
                raise
            print_error(sentence)
        ctx.exit(1)


def _sentence(error: Exception) -> str | None:
    """What to tell of an error of the system that nobody expected; None where it is a fault of ours."""
    short = out_of_memory(error)
    if short is not None:
        return str(short)
    if not isinstance(error, OSError) or error.strerror is None:
        return None
    place = "" if error.filename is None else f" {error.filename}"
    return f"Expected files that can be read and written, found{place}: {error.strerror}."


def print_error(message: str) -> None:
    """One line on the standard error stream."""
    click.echo(f"latentpress: error: {message}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(latentpress.__version__, prog_name="latentpress")
def main() -> None:
    """Compress images and videos with neural networks."""
