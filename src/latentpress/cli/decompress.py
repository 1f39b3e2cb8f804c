"""`latentpress decompress`: `.ltp` files and folders of them to image files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentpress.cli.options import files_options, weights_options
from latentpress.cli.plan import STREAM, Job, plan

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport


@click.command()
@files_options
@click.option(
    "--format",
    "suffix",
    default="png",
    show_default=True,
    metavar="SUFFIX",
    help="Kind of image files to make, where -o does not name a file.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    metavar="N",
    help="Refuse larger images, counted in whole 64x64 blocks: 134217728 by default.",
)
@weights_options
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[Path, ...],
    output: Path | None,
    overwrite: bool,
    jobs: int,
    quiet: bool,
    suffix: str,
    **given: Any,
) -> None:
    """Decompress .ltp files into images.

    An INPUT is a .ltp file, a folder (all .ltp files in it, however deep; the tree is kept), or - for the
    standard input.
    """
    options = {name: value for name, value in given.items() if value is not None}
    suffix = "." + suffix.lower().lstrip(".")
    if STREAM in (*inputs, output):
        _decompress_stream(inputs, output, overwrite, suffix, options)
        return
    from latentpress.cli.jobs import run_jobs

    work = partial(_decompress_file, overwrite=overwrite, options=options)
    if not run_jobs(plan(inputs, output, suffix, _is_ltp), work, jobs, quiet=quiet, verb="decompressed"):
        ctx.exit(1)


def _decompress_file(job: Job, *, overwrite: bool, options: dict[str, Any]) -> FileReport:
    from latentpress.codec.files import decompress_file

    return decompress_file(job.source, job.target, overwrite=overwrite, **options)


def _decompress_stream(
    inputs: tuple[Path, ...], output: Path | None, overwrite: bool, suffix: str, options: dict[str, Any]
) -> None:
    from latentpress.cli.streams import read_input, write_output
    from latentpress.codec.api import decompress
    from latentpress.codec.files import format_of, image_bytes

    image_format = format_of(f"stream{suffix}" if output in (None, STREAM) else output)
    data, _ = read_input(inputs)
    write_output(output, image_bytes(decompress(data, **options), image_format), overwrite=overwrite)


def _is_ltp(path: Path) -> bool:
    return path.suffix.lower() == ".ltp"
