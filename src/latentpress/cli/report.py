"""`latentpress report`: curves, tables and images on one web page that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from latentpress.cli.options import Names, Size
from latentpress.cli.published import dataset_option

if TYPE_CHECKING:
    from latentpress.evaluation.codecs import Codec
    from latentpress.report import Comparison

_CLASSICAL = ("jpeg", "webp", "avif")  # to compare the default model with where nobody chose


@click.command()
@click.argument("results", nargs=-1, type=click.Path(path_type=Path), metavar="RESULTS...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    help="Write the page to this file.",
)
@click.option("-t", "--title", metavar="TEXT", help="Title of the page.")
@dataset_option()
@click.option(
    "--images",
    "images",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="IMAGE_OR_FOLDER",
    help="Images to show side by side, coded at --at-bpp by --codecs; may be given again.",
)
@click.option(
    "--at-bpp",
    type=click.FloatRange(min=0, min_open=True),
    default=0.3,
    show_default=True,
    metavar="BPP",
    help="Rate of the images that are shown: each codec has the quality that comes nearest.",
)
@click.option(
    "--codecs",
    type=Names(),
    metavar="NAME[,NAME...]",
    help="Codecs and models to show images of: what bench measures. By default, the default model and the "
    "usable ones of jpeg, webp and avif.",
)
@click.option(
    "--max-size",
    type=Size(),
    default="16M",
    show_default=True,
    metavar="BYTES",
    help="What images may add to the page: to keep to it they lose detail, and then the last are left out.",
)
def command(
    results: tuple[Path, ...],
    output: Path,
    title: str | None,
    dataset: str,
    images: tuple[Path, ...],
    at_bpp: float,
    codecs: tuple[str, ...] | None,
    max_size: int,
) -> None:
    """Put the curves of RESULTS, files that eval and bench wrote or folders of them, on a web page beside
    published ones: BD-rate against any anchor, speed, every image, and reconstructions side by side."""
    from latentpress.codec.disk import check_name, check_sources_stay
    from latentpress.report.page import DEFAULT_TITLE, render, write
    from latentpress.report.results import read_results

    if not (results or images):
        raise click.UsageError("Give files of results, --images, or both.")
    check_name(output, "a web page")
    check_sources_stay([*results, *images], [output])
    curves = read_results(results)
    comparisons = _compare(images, _find_codecs(codecs), at_bpp) if images else []
    page = render(curves, comparisons, dataset=dataset, title=title or DEFAULT_TITLE, max_bytes=max_size)
    write(page, output)
    click.echo(f"{output}: {len(page) / 1e6:.1f} MB", err=True)


def _find_codecs(names: Sequence[str] | None) -> list[Codec]:
    from latentpress import zoo
    from latentpress.evaluation.codecs import find_codec, usable_codecs

    if names is not None:
        return [find_codec(name) for name in names]
    usable = usable_codecs()
    return [find_codec(zoo.DEFAULT_MODEL), *(usable[name] for name in _CLASSICAL if name in usable)]


def _compare(paths: Sequence[Path], codecs: Sequence[Codec], bpp: float) -> list[Comparison]:
    """A comparison for each image that can be read and coded; what cannot is named."""
    from rich.console import Console

    from latentpress.cli.jobs import progress_bar
    from latentpress.errors import ImageError
    from latentpress.evaluation import find_images
    from latentpress.evaluation.matched import match_rate

    files = find_images(paths)
    comparisons = []
    with progress_bar(Console(stderr=True), shown=True) as progress:
        bar = progress.add_task("images", total=len(files))
        for file in files:
            try:
                comparisons.append(match_rate(file, codecs, bpp))
            except ImageError as error:
                click.echo(f"latentpress: skipped: {error}", err=True)
            progress.advance(bar)
    if not comparisons:
        raise ImageError(f"Expected at least one image that can be shown, found {len(files)} that cannot.")
    return comparisons
