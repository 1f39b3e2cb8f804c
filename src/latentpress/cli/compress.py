"""`latentpress compress`: images, videos and folders of them to `.ltp` files."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentpress.cli.batch import Batch, batch_command
from latentpress.cli.options import Size, max_pixels_option
from latentpress.cli.plan import STREAM, Job, plan
from latentpress.cli.videos import (
    OnFrame,
    compress_options,
    compress_video,
    holds_video,
    is_video,
    refuse_video_options,
)

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport


@batch_command(
    click.option(
        "--quality",
        type=float,
        metavar="Q",
        help="1 (smallest) to 100 (best) for the default model, which takes 50 if nothing is said; for other "
        "models, the number of one of their networks, as `latentpress models` lists them.",
    ),
    click.option(
        "--target-bpp",
        type=float,
        metavar="BPP",
        help="Instead of a quality: the most bits a pixel that each file may take.",
    ),
    click.option(
        "--target-size",
        type=Size(),
        metavar="BYTES",
        help="Instead of a quality: the most bytes that each file may take, such as 20k or 1M.",
    ),
    click.option("--model", metavar="NAME", help="A model that `latentpress models` lists."),
    click.option(
        "--lmb",
        type=float,
        metavar="LAMBDA",
        help="Instead of a quality: the lambda of a hierarchical model, such as 256 for qarv_base.",
    ),
    click.option(
        "--arithmetic",
        type=click.Choice(["float32", "fixed-point"]),
        help="What a hierarchical model computes in; the faster one here by default.",
    ),
    click.option(
        "--metric",
        type=click.Choice(["mse", "ms-ssim"]),
        help="What the model's weights were trained for: mse by default.",
    ),
    click.option(
        "--effort",
        type=click.IntRange(0, 9),
        help="Of images: up to 2 only the networks run (1 is usual); from 3 on, files of the same quality "
        "get smaller, in up to a minute a megapixel at 9.",
    ),
    max_pixels_option,
    compress_options,
)
def command(batch: Batch, options: dict[str, Any]) -> int:
    """Compress images and videos into .ltp files.

    An INPUT is an image or video file, a folder (all of them in it, however deep; the tree is kept), or - for
    an image on the standard input.
    """
    if batch.streams:
        return _compress_stream(batch, options)
    from latentpress.cli.jobs import run_jobs

    jobs = plan(batch.inputs, batch.output, ".ltp", lambda path: _is_image(path) or is_video(path))
    work = partial(_compress_file, overwrite=batch.overwrite, options=options)
    return run_jobs(jobs, work, batch, options, "compressed")


def _compress_file(
    job: Job, on_frame: OnFrame | None = None, *, overwrite: bool, options: dict[str, Any]
) -> FileReport:
    if holds_video(job.source):
        return compress_video(job.source, job.target, overwrite, options, on_frame)
    from latentpress.codec.files import compress_file

    refuse_video_options(options, job.source)
    if on_frame is not None and "effort" in options:
        tell = on_frame
        options = {**options, "on_step": lambda share: tell(max(1, round(100 * share)), 100, "steps")}
    return compress_file(job.source, job.target, overwrite=overwrite, **options)


def _compress_stream(batch: Batch, options: dict[str, Any]) -> int:
    from latentpress.cli.streams import binary_output, read_input, write_output
    from latentpress.codec.api import compress
    from latentpress.codec.disk import check_name, check_target
    from latentpress.codec.files import open_original

    if len(batch.inputs) == 1 and batch.inputs[0] != STREAM and holds_video(batch.inputs[0]):
        compress_video(batch.inputs[0], binary_output(), batch.overwrite, options)
        sys.stdout.buffer.flush()
        return 0
    if batch.output not in (None, STREAM):
        check_name(batch.output, "a .ltp file")
        check_target(batch.output, batch.overwrite)
    data, name = read_input(batch.inputs)
    refuse_video_options(options, Path(name))
    write_output(batch.output, compress(open_original(data, name), **options), overwrite=batch.overwrite)
    return 0


def _is_image(path: Path) -> bool:
    from PIL import Image

    image_format = Image.registered_extensions().get(path.suffix.lower())
    return image_format in Image.OPEN and image_format != "LTP"
