"""`latentpress leaderboard`: everything that can be run here, in one table."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentpress.cli.measured import measure_images
from latentpress.cli.options import Names, jobs_option
from latentpress.cli.published import dataset_option
from latentpress.report.published import DATASETS

if TYPE_CHECKING:
    from latentpress.leaderboard import Contender


_SIZES = {"kodak": 24, "tecnick-rgb-1200": 100}  # images of the sets that VTM's curves are of


@click.command()
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE_OR_FOLDER..."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Page to write, in Markdown.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the results of each codec and model into this folder, too, as JSON.",
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw the curves into this file, and show it on the page; .svg or .png.",
)
@click.option(
    "--only",
    type=Names(),
    default=(),
    metavar="NAME[,NAME...]",
    help="Run these codecs and models only, such as latentpress2026,jpegxl.",
)
@dataset_option("What the images are: the published curve of VTM is of the same ones.")
@jobs_option("Processes to work in, each on one thread.", default=2)
def command(
    inputs: tuple[Path, ...],
    output: Path,
    results: Path | None,
    figure: Path | None,
    only: tuple[str, ...],
    dataset: str,
    jobs: int,
) -> None:
    """Measure every model whose weights are here and every codec that can be run on images, and write a page.

    The page has BD-rate against VTM's published curve, points, multiplications a pixel, parameters, and times
    beside those of JPEG XL.
    """
    from latentpress.codec.disk import check_name, check_sources_stay, write_file
    from latentpress.evaluation import write_record
    from latentpress.leaderboard import contenders, page, standing_of

    check_name(output, "a page of Markdown")
    check_sources_stay(inputs, [output])
    competing = contenders(only)
    records = _measure(competing, inputs, jobs)
    standings = [
        standing_of(record, is_model=each.is_model, counted=each.complexity(), dataset=dataset)
        for each, record in zip(competing, records, strict=True)
    ]
    for each, record in zip(competing, records, strict=True):
        if results is not None:
            write_record(record, results / f"{each.key}.json")
    if figure is not None:
        _draw([standing.result for standing in standings], figure, dataset)
    text = page(
        standings,
        command=_shown_command(inputs, output, results, figure),
        setting=_setting(records[0], inputs, jobs, dataset),
        dataset=dataset,
        figure=_address(figure, output) if figure else "",
    )
    write_file(output, text.encode(), overwrite=True)
    click.echo(output)


def _measure(competing: Sequence[Contender], inputs: Sequence[Path], jobs: int) -> list[dict[str, Any]]:
    """A record of each contender, all measured by the same processes."""
    from latentpress.evaluation import curve_record, plan_codec

    plans = [plan_codec(each.codec, each.qualities) for each in competing]
    subjects = [subject for plan in plans for subject in plan]
    points = measure_images(subjects, inputs, perceptual=(), processes=jobs)
    records = []
    for each, plan in zip(competing, plans, strict=True):
        curve = [points.pop(0) for _ in plan]
        record = curve_record(each.codec.name, each.codec.description, curve)
        records.append({**record, "images_measured": len(curve[0].measurements)})
    return records


def _draw(results: Sequence[Any], figure: Path, dataset: str) -> None:
    from latentpress.leaderboard.standings import ANCHOR
    from latentpress.report.figure import draw, save
    from latentpress.report.selection import select

    save(draw(select(results, published=[ANCHOR], dataset=dataset), "psnr-rgb"), figure)


def _shown_command(inputs: Sequence[Path], output: Path, results: Path | None, figure: Path | None) -> str:
    words = ["latentpress leaderboard", *(path.name for path in inputs), "-o", str(output)]
    words += [] if results is None else ["--results", str(results)]
    words += [] if figure is None else ["--figure", str(figure)]
    return " ".join(words)


def _setting(record: dict[str, Any], inputs: Sequence[Path], jobs: int, dataset: str) -> str:
    """How many images, by which versions, and where."""
    import torch

    import latentpress

    names = ", ".join(path.name for path in inputs)
    processes = "1 process" if jobs == 1 else f"{jobs} processes"
    count = record["images_measured"]
    noun = "image" if count == 1 else "images"
    expected = _SIZES.get(dataset, count)
    warning = (
        f" {DATASETS[dataset]} has {expected}: BD-rates are not to be trusted." if count != expected else ""
    )
    return (
        f"Measured on the {count} {noun} of {names} by LatentPress {latentpress.__version__} "
        f"with torch {torch.__version__}, in {processes} on {_processor()}.{warning}"
    )


def _processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _address(figure: Path, page: Path) -> str:
    """Of the figure, as seen from the page."""
    import os

    return Path(os.path.relpath(figure, page.parent)).as_posix()
