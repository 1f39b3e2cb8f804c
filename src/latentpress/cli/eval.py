"""`latentpress eval`: rate, distortion and speed of models on images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from latentpress.cli.measured import Numbers, measure_images, measuring_options, print_record


@click.command()
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE_OR_FOLDER..."
)
@click.option(
    "--model",
    metavar="NAME",
    help="A model that `latentpress models` lists, the default codec if not given, or package.module:Class.",
)
@click.option(
    "--quality",
    "qualities",
    type=Numbers(),
    multiple=True,
    metavar="Q[,Q...]",
    help="Qualities to measure; by default, all networks of the model, or rates from low to high.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Use the weights in this file instead of the published ones; give it again for another point.",
)
@click.option(
    "--metric",
    type=click.Choice(["mse", "ms-ssim"]),
    default="mse",
    show_default=True,
    help="What the model's weights were trained for.",
)
@click.option("--update", is_flag=True, help="Rebuild the coder's tables, as for a checkpoint of training.")
@click.option(
    "--entropy-estimation", is_flag=True, help="Take bits from likelihoods instead of from real strings."
)
@click.option("--device", default="cpu", show_default=True, help="Torch device to compute on.")
@click.option("--half", is_flag=True, help="Compute in float16.")
@click.option(
    "--gop",
    type=click.IntRange(min=0),
    metavar="N",
    help="Of videos, frames from one keyframe to the next; 0 for one keyframe a video. 12 by default.",
)
@click.option("--frames", type=click.IntRange(min=1), metavar="N", help="Of videos, measure N frames only.")
@measuring_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the JSON to this file."
)
def command(
    inputs: tuple[Path, ...],
    model: str | None,
    qualities: tuple[tuple[float, ...], ...],
    metric: str,
    entropy_estimation: bool,
    gop: int | None,
    frames: int | None,
    perceptual: tuple[str, ...] | None,
    per_image: bool,
    jobs: int,
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Measure a model on images or videos: bits per pixel of real strings, PSNR, MS-SSIM, and times.

    Images that cannot be read are reported and left out. Bits are those of the model's strings; the header of
    a .ltp file comes on top.
    """
    from latentpress import zoo
    from latentpress.cli.eval_clips import measure_clips
    from latentpress.codec.disk import check_name
    from latentpress.evaluation import curve_name, curve_record, plan_subjects, to_json, write_record
    from latentpress.evaluation.clips import are_clips

    if output is not None:
        check_name(output, "JSON")
    model = model or zoo.DEFAULT_MODEL
    chosen = [quality for several in qualities for quality in several]
    if are_clips(inputs):
        points = measure_clips(
            inputs,
            model,
            chosen,
            gop=gop,
            frames=frames,
            entropy_estimation=entropy_estimation,
            jobs=jobs,
            metric=metric,
            **options,
        )
    else:
        points = measure_images(
            plan_subjects(model, qualities=chosen, metric=metric, **options),
            inputs,
            entropy_estimation=entropy_estimation,
            perceptual=perceptual,
            processes=jobs,
        )
    description = "entropy estimation" if entropy_estimation else "real coding"
    record = curve_record(curve_name(model, metric), description, points, per_image=per_image)
    if output is not None:
        write_record(record, output)
    if as_json:
        click.echo(to_json(record))
        return
    print_record(points, record, per_image)
