"""`latentpress compress`: image files and folders to `.ltp` files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentpress.cli.options import Size, files_options, weights_options
from latentpress.cli.plan import STREAM, Job, plan

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport


@click.command()
@files_options
@click.option(
    "--quality",
    type=float,
    metavar="Q",
    help="1 (smallest) to 100 (best) for the default model, which takes 50 if nothing is said; for other "
    "models, the number of one of their networks, as `latentpress models` lists them.",
)
@click.option(
    "--target-bpp",
    type=float,
    metavar="BPP",
    help="Instead of a quality: the most bits a pixel that each file may take.",
)
@click.option(
    "--target-size",
    type=Size(),
    metavar="BYTES",
    help="Instead of a quality: the most bytes that each file may take, such as 20k or 1M.",
)
@click.option("--model", metavar="NAME", help="A model that `latentpress models` lists.")
@click.option(
    "--lmb",
    type=float,
    metavar="LAMBDA",
    help="Instead of a quality: the lambda of a hierarchical model, such as 256 for qarv_base.",
)
@click.option(
    "--metric",
    type=click.Choice(["mse", "ms-ssim"]),
    help="What the model's weights were trained for: mse by default.",
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
    **given: Any,
) -> None:
    """Compress images into .ltp files.

    An INPUT is an image file, a folder (all images in it, however deep; the tree is kept), or - for the
    standard input.
    """
    options = {name: value for name, value in given.items() if value is not None}
    if STREAM in (*inputs, output):
        _compress_stream(inputs, output, overwrite, options)
        return
    from latentpress.cli.jobs import run_jobs

    work = partial(_compress_file, overwrite=overwrite, options=options)
    if not run_jobs(plan(inputs, output, ".ltp", _is_image), work, jobs, quiet=quiet, verb="compressed"):
        ctx.exit(1)


def _compress_file(job: Job, *, overwrite: bool, options: dict[str, Any]) -> FileReport:
    from latentpress.codec.files import compress_file

    return compress_file(job.source, job.target, overwrite=overwrite, **options)


def _compress_stream(
    inputs: tuple[Path, ...], output: Path | None, overwrite: bool, options: dict[str, Any]
) -> None:
    from latentpress.cli.streams import read_input, write_output
    from latentpress.codec.api import compress
    from latentpress.codec.files import open_image

    data, name = read_input(inputs)
    write_output(output, compress(open_image(data, name), **options), overwrite=overwrite)


def _is_image(path: Path) -> bool:
    from PIL import Image

    image_format = Image.registered_extensions().get(path.suffix.lower())
    return image_format in Image.OPEN and image_format != "LTP"
