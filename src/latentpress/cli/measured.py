"""What `eval`, `bench` and their kin share: options, progress over images, tables of what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentpress.cli.options import Names, combined, jobs_option

if TYPE_CHECKING:
    from rich.table import Table

    from latentpress.errors import ImageError
    from latentpress.evaluation import ImageFile, Measurement, OnImage, Point, Subject

# Heading -> value in the results, and the digits to print; "coding" is the entropy coder's share of a time.
_COLUMNS = {
    "bpp": ("bpp", 4),
    "kbit/s": ("bitrate", 1),
    "PSNR dB": ("psnr-rgb", 3),
    "Y": ("psnr-y", 3),
    "U": ("psnr-u", 3),
    "V": ("psnr-v", 3),
    "6:1:1": ("psnr-yuv", 3),
    "MS-SSIM": ("ms-ssim-rgb", 5),
    "LPIPS": ("lpips", 4),
    "DISTS": ("dists", 4),
    "encode s": ("encoding_time", 3),
    "coding": ("encoding_time_entropy_coding", 3),
    "decode s": ("decoding_time", 3),
    "coding ": ("decoding_time_entropy_coding", 3),
}
_ALWAYS = ("bpp", "psnr-rgb", "ms-ssim-rgb")

measuring_options = combined(
    click.option(
        "--perceptual",
        type=Names(),
        metavar="NAME[,NAME]",
        help="Perceptual metrics to take: lpips, dists, or none. By default, those whose packages are "
        "installed.",
    ),
    click.option("--per-image", is_flag=True, help="Report every image, too."),
    jobs_option(
        "Processes to work in; with more than one, each computes on one thread, and times are longer."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table."),
)


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


def chosen_perceptual(names: tuple[str, ...] | None) -> tuple[str, ...]:
    """The perceptual metrics to take: these, or where nobody chose, those that can be taken here. What is
    installed and cannot be taken is said on the standard error stream."""
    from latentpress.evaluation.perceptual import available, check_perceptual

    if names is not None:
        return check_perceptual(names)
    usable, problems = available()
    for problem in problems:
        click.echo(f"latentpress: left out: {problem}", err=True)
    return usable


def measure_images(
    subjects: Sequence[Subject],
    inputs: Sequence[str | Path],
    *,
    entropy_estimation: bool = False,
    perceptual: tuple[str, ...] | None,
    processes: int,
) -> list[Point]:
    """A point for each subject on the images in files and folders, with a bar."""
    from latentpress.evaluation import evaluate, find_images

    images = find_images(inputs)
    metrics = chosen_perceptual(perceptual)
    with image_progress(len(subjects) * len(images)) as on_image:
        return evaluate(
            subjects,
            images,
            entropy_estimation=entropy_estimation,
            perceptual=metrics,
            processes=processes,
            on_image=on_image,
        )


@contextmanager
def image_progress(total: int) -> Iterator[OnImage]:
    """What to call for every image: it moves a bar on the standard error stream, and names, once, each image
    that was skipped."""
    from rich.console import Console

    from latentpress.cli.jobs import progress_bar
    from latentpress.errors import ImageError

    skipped = set()
    with progress_bar(Console(stderr=True), shown=True) as progress:
        bar = progress.add_task("images", total=total, unit="images")

        def on_image(image: ImageFile, outcome: Measurement | ImageError) -> None:
            if isinstance(outcome, ImageError) and image not in skipped:
                skipped.add(image)
                click.echo(f"latentpress: skipped: {outcome}", err=True)
            progress.advance(bar)

        yield on_image


def print_record(points: Sequence[Point], record: Mapping[str, Any], per_image: bool) -> None:
    """A table of the means at each point, after one of every image at each point if that is wanted."""
    from rich.console import Console

    console = Console(highlight=False)
    columns = _columns_of(points)
    if per_image:
        for point in points:
            table = _table(f"{record['name']}, {point.label}", columns)
            for image, measurement in point.measurements.items():
                table.add_row(image.source, *_cells(measurement.values, columns))
            console.print(table)
    table = _table(f"{record['name']}, {record['description']}, means over {_count(points)}", columns)
    for point in points:
        table.add_row(point.label, *_cells(point.means(), columns))
    console.print(table)
    for note in record.get("notes", ()):
        console.print(note, markup=False, soft_wrap=True)


def _columns_of(points: Sequence[Point]) -> list[str]:
    """Headings of what was measured, and of what always is."""
    there = {name for point in points for name in point.means()}
    return [heading for heading, (name, _) in _COLUMNS.items() if name in there or name in _ALWAYS]


def _table(title: str, columns: Sequence[str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", title=Text(title), title_justify="left", box=None)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cells(values: Mapping[str, float | None], columns: Sequence[str]) -> list[str]:
    cells = []
    for heading in columns:
        name, digits = _COLUMNS[heading]
        value = values.get(name)
        cells.append("-" if value is None else f"{value:.{digits}f}")
    return cells


def _count(points: Sequence[Point]) -> str:
    count = len(points[0].measurements)
    noun = "video" if "bitrate" in points[0].means() else "image"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
