"""`latentpress curve`: rate and distortion of a hierarchical model over lambdas."""

from __future__ import annotations

from pathlib import Path

import click

from latentpress.cli.hierarchies import model_options


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--points", type=click.IntRange(min=2), default=8, show_default=True, help="Lambdas of the curve."
)
@click.option("--coded", is_flag=True, help="Code every image, rather than compute what its code would take.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress bar.")
@model_options
def command(
    images: tuple[Path, ...],
    points: int,
    coded: bool,
    quiet: bool,
    model: str,
    lmb: float | None,
    checkpoint: Path | None,
    device: str,
) -> None:
    """Print lambda, bits per pixel and PSNR of a model, as means over IMAGES, one lambda a line.

    A variable-rate model is measured at --points lambdas over its range, or at --lmb; other models at their
    own.
    """
    from latentpress.codec.hierarchical import load_hierarchical_codec
    from latentpress.models.hierarchical.evaluation import lambdas_of, self_evaluate

    codec = load_hierarchical_codec(model, lmb=lmb, checkpoint=checkpoint, device=device)
    asked = codec.rate(lmb)
    lmbs = lambdas_of(codec.model, points) if asked is None else [asked]
    click.echo("lmb,bpp,psnr")
    for point in self_evaluate(codec.model, images, lmbs, coded=coded, progress=not quiet):
        click.echo(f"{point.lmb:g},{point.bpp:.5f},{point.psnr:.4f}")
