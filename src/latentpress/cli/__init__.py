"""The `latentpress` command: one module a command, imported when it is needed, each a thin skin over the
library."""

from __future__ import annotations

from importlib import import_module

import click

import latentpress
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

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except LatentPressError as error:
            print_error(str(error))
            ctx.exit(1)


def print_error(message: str) -> None:
    """One line on the standard error stream."""
    click.echo(f"latentpress: error: {message}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(latentpress.__version__, prog_name="latentpress")
def main() -> None:
    """Compress images and videos with neural networks."""
