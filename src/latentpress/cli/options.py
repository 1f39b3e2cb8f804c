"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1024, "mi": 1024**2, "gi": 1024**3}


class Size(click.ParamType):
    """A number of bytes: `20000`, `20k`, `1.5M`, `64KiB`. k, M and G are powers of 1000; Ki, Mi and Gi of
    1024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]i?)?b?", str(value).strip().lower())
        if match is None:
            self.fail(f"expected a size such as 20000, 20k or 1.5M, found {value!r}", param, ctx)
        return int(float(match[1]) * _UNITS[match[2] or ""])


class Names(click.ParamType):
    """Names with commas between them; `none` for none at all."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(name for part in str(value).split(",") if (name := part.strip()))
        return () if names == ("none",) else names


def combined(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several click options as one decorator, shown in this order."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def jobs_option(help: str, default: int = 1) -> Callable[[Any], Any]:
    """`--jobs`: in how many processes a command works."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="N",
        help=help,
    )


PATH = click.Path(path_type=Path, allow_dash=True)

weights_options = combined(
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Use the weights in this file instead of the published ones.",
    ),
    click.option("--device", default="cpu", show_default=True, help="Torch device to compute on."),
)

max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    metavar="N",
    help="Refuse larger images and frames, counted in whole 64x64 blocks: 134217728 by default.",
)

files_options = combined(
    click.argument("inputs", nargs=-1, required=True, type=PATH, metavar="INPUT..."),
    click.option(
        "-o",
        "--output",
        type=PATH,
        metavar="PATH",
        help="File or folder to write; - for the standard output. By default, files appear beside their "
        "originals.",
    ),
    click.option("--overwrite", is_flag=True, help="Replace files that exist."),
    click.option(
        "--skip-existing/--no-skip-existing",
        default=None,
        help="Whether files that exist count as done where they were made of the same files with the same "
        "settings; they do for folders and several files, unless --overwrite is given.",
    ),
    jobs_option("Processes to work in; with more than one, each computes on one thread."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
)
