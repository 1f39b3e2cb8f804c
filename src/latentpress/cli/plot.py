"""`latentpress plot`: rate-distortion curves as a figure."""

from __future__ import annotations

from pathlib import Path

import click

from latentpress.cli.options import Names
from latentpress.cli.published import dataset_option


@click.command()
@click.argument("results", nargs=-1, type=click.Path(path_type=Path), metavar="RESULTS...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the figure to this file: .png, .pdf or .svg.",
)
@click.option(
    "-m",
    "--metric",
    type=click.Choice(["psnr", "ms-ssim"]),
    default="psnr",
    show_default=True,
    help="Quality to draw; MS-SSIM in dB.",
)
@click.option(
    "--published",
    type=Names(),
    metavar="NAME[,NAME...]",
    help="Published curves to draw, such as VTM,BPG; codecs, models or all; none for no curve. By default, "
    "some of each.",
)
@dataset_option()
@click.option("-t", "--title", metavar="TEXT", help="Title above the axes.")
@click.option("--figsize", nargs=2, type=float, metavar="W H", help="Size in inches; 6.4 4.2 by default.")
@click.option(
    "--axes",
    nargs=4,
    type=float,
    metavar="R0 R1 Q0 Q1",
    help="Range of rates and of quality; by default, what was measured.",
)
@click.option("--log", is_flag=True, help="Draw rates on a logarithmic axis.")
@click.option("--dpi", type=click.IntRange(min=1), default=300, show_default=True, help="Of PNG files.")
@click.option("--show", is_flag=True, help="Open a window with the figure.")
def command(
    results: tuple[Path, ...],
    output: Path | None,
    metric: str,
    published: tuple[str, ...] | None,
    dataset: str,
    title: str | None,
    figsize: tuple[float, float] | None,
    axes: tuple[float, float, float, float] | None,
    log: bool,
    dpi: int,
    show: bool,
) -> None:
    """Draw the rate-distortion curves of RESULTS, files that eval and bench wrote or folders of them, beside
    published ones."""
    from latentpress.report.figure import Layout, plot

    if output is None and not show:
        raise click.UsageError("Give a file to write with -o FILE, or --show.")
    layout = Layout(title=title, size=figsize, axes=axes, log=log, dpi=dpi)
    plot(
        results,
        f"{metric}-rgb",
        output=output,
        window=show,
        published=published,
        dataset=dataset,
        layout=layout,
    )
