"""`latentpress eval`: rate, distortion and speed of models on images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

    from latentpress.errors import ImageError
    from latentpress.evaluation import ImageFile, Measurement, OnImage, Point

# Heading -> value in the results, and the digits to print; "coding" is the entropy coder's share of a time.
_COLUMNS = {
    "bpp": ("bpp", 4),
    "PSNR dB": ("psnr-rgb", 3),
    "MS-SSIM": ("ms-ssim-rgb", 5),
    "encode s": ("encoding_time", 3),
    "coding": ("encoding_time_entropy_coding", 3),
    "decode s": ("decoding_time", 3),
    "coding ": ("decoding_time_entropy_coding", 3),
}


class Numbers(click.ParamType):
    """Numbers with commas between them, such as `1,2.5,3`."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(number) for number in value.split(","))
        except ValueError:
            self.fail(f"expected numbers such as 1,2,3, found {value!r}", param, ctx)


@click.command()
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE_OR_FOLDER..."
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
@click.option("--per-image", is_flag=True, help="Report every image, too.")
@click.option("--device", default="cpu", show_default=True, help="Torch device to compute on.")
@click.option("--half", is_flag=True, help="Compute in float16.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes to work in; with more than one, each computes on one thread, and times are longer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the JSON to this file."
)
def command(
    inputs: tuple[Path, ...],
    model: str | None,
    qualities: tuple[tuple[float, ...], ...],
    metric: str,
    entropy_estimation: bool,
    per_image: bool,
    jobs: int,
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Measure a model on images: bits per pixel of real strings, PSNR, MS-SSIM, and times.

    Images that cannot be read are reported and left out. Bits are those of the model's strings; the header of
    a .ltp file comes on top.
    """
    from latentpress import zoo
    from latentpress.evaluation import (
        curve_name,
        curve_record,
        evaluate,
        find_images,
        plan_subjects,
        to_json,
        write_record,
    )

    model = model or zoo.DEFAULT_MODEL
    chosen = [quality for several in qualities for quality in several]
    subjects = plan_subjects(model, qualities=chosen, metric=metric, **options)
    images = find_images(inputs)
    with _progress(len(subjects) * len(images)) as on_image:
        points = evaluate(
            subjects, images, entropy_estimation=entropy_estimation, processes=jobs, on_image=on_image
        )
    description = "entropy estimation" if entropy_estimation else "real coding"
    record = curve_record(curve_name(model, metric), description, points, per_image=per_image)
    if output is not None:
        write_record(record, output)
    if as_json:
        click.echo(to_json(record))
        return
    _print_tables(points, record, per_image)


@contextmanager
def _progress(total: int) -> Iterator[OnImage]:
    """What to call for every image: it moves a bar on the standard error stream, and names, once, each image
    that was skipped."""
    from rich.console import Console

    from latentpress.cli.jobs import progress_bar
    from latentpress.errors import ImageError

    skipped = set()
    with progress_bar(Console(stderr=True), shown=True) as progress:
        bar = progress.add_task("images", total=total)

        def on_image(image: ImageFile, outcome: Measurement | ImageError) -> None:
            if isinstance(outcome, ImageError) and image not in skipped:
                skipped.add(image)
                click.echo(f"latentpress: skipped: {outcome}", err=True)
            progress.advance(bar)

        yield on_image


def _print_tables(points: Sequence[Point], record: dict[str, Any], per_image: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if per_image:
        for point in points:
            table = _table(f"{record['name']}, {point.label}")
            for image, measurement in point.measurements.items():
                table.add_row(image.source, *_cells(measurement.values))
            console.print(table)
    table = _table(f"{record['name']}, {record['description']}, means over {_count(points)}")
    for point in points:
        table.add_row(point.label, *_cells(point.means()))
    console.print(table)
    for note in record.get("notes", ()):
        console.print(note, markup=False, soft_wrap=True)


def _table(title: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", title=Text(title), title_justify="left", box=None)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cells(values: Mapping[str, float | None]) -> list[str]:
    return [
        "-" if (value := values.get(key)) is None else f"{value:.{digits}f}"
        for key, digits in _COLUMNS.values()
    ]


def _count(points: Sequence[Point]) -> str:
    count = len(points[0].measurements)
    return f"{count} image" if count == 1 else f"{count} images"
