"""`latentpress decompress`: `.ltp` files and folders of them to images and videos."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentpress.cli.batch import Batch, batch_command
from latentpress.cli.options import max_pixels_option
from latentpress.cli.plan import STREAM, Job, plan
from latentpress.cli.videos import (
    OnFrame,
    decompress_options,
    decompress_video,
    is_compressed_video,
    refuse_video_options,
)

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport

_IMAGE_SUFFIX, _VIDEO_SUFFIX = ".png", ".mp4"


@batch_command(
    click.option(
        "--format",
        "suffix",
        metavar="SUFFIX",
        help="Kind of files to make, where -o does not name a file: png for images and mp4 for videos by "
        "default.",
    ),
    max_pixels_option,
    decompress_options,
)
def command(batch: Batch, options: dict[str, Any]) -> int:
    """Decompress .ltp files into images and videos.

    An INPUT is a .ltp file, a folder (all .ltp files in it, however deep; the tree is kept), or - for an
    image on the standard input. A video that is damaged is decoded as far as it goes; the exit status is then
    3.
    """
    given = options.pop("suffix", None)
    suffix = None if given is None else "." + given.lower().lstrip(".")
    if batch.streams:
        return _decompress_stream(batch, suffix, options)
    from latentpress.cli.jobs import run_jobs

    jobs = plan(batch.inputs, batch.output, lambda source: suffix or _usual_suffix(source), _is_ltp)
    work = partial(_decompress_file, overwrite=batch.overwrite, options=options)
    return run_jobs(jobs, work, batch, options, "decompressed")


def _decompress_file(
    job: Job, on_frame: OnFrame | None = None, *, overwrite: bool, options: dict[str, Any]
) -> FileReport:
    if is_compressed_video(job.source):
        return decompress_video(job.source, job.target, overwrite, options, on_frame)
    from latentpress.codec.files import decompress_file

    refuse_video_options(options, job.source)
    return decompress_file(job.source, job.target, overwrite=overwrite, **options)


def _decompress_stream(batch: Batch, suffix: str | None, options: dict[str, Any]) -> int:
    from latentpress.cli.jobs import exit_status
    from latentpress.cli.streams import binary_output, input_file, write_output
    from latentpress.codec.api import decompress
    from latentpress.codec.container import DEFAULT_MAX_PIXELS
    from latentpress.codec.disk import read_compressed
    from latentpress.codec.files import format_of, image_bytes

    source = batch.inputs[0]
    if len(batch.inputs) == 1 and source != STREAM and is_compressed_video(source):
        chosen = {**options, "suffix": suffix or ".y4m"}
        return exit_status([decompress_video(source, binary_output(), batch.overwrite, chosen)])
    output = batch.output
    image_format = format_of(f"stream{suffix or _IMAGE_SUFFIX}" if output in (None, STREAM) else output)
    with input_file(batch.inputs) as (file, name):
        data = read_compressed(file, name, max_pixels=options.get("max_pixels", DEFAULT_MAX_PIXELS))
    refuse_video_options(options, Path(name))
    write_output(output, image_bytes(decompress(data, **options), image_format), overwrite=batch.overwrite)
    return 0


def _usual_suffix(source: Path) -> str:
    return _VIDEO_SUFFIX if is_compressed_video(source) else _IMAGE_SUFFIX


def _is_ltp(path: Path) -> bool:
    return path.suffix.lower() == ".ltp"
