"""`latentpress find-close`: the quality of a codec or model nearest to a target."""

from __future__ import annotations

from pathlib import Path

import click

from latentpress.cli.bench import SETTINGS_HELP, configured_codecs


@click.command()
@click.argument("codec")
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE_OR_FOLDER..."
)
@click.option("--bpp", type=float, metavar="N", help="Target in bits per pixel.")
@click.option("--psnr", type=float, metavar="N", help="Target in dB.")
@click.option("--ms-ssim", type=float, metavar="N", help="Target from 0 to 1.")
@click.option("-s", "--set", "settings", multiple=True, metavar="NAME=VALUE", help=SETTINGS_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a line.")
def command(
    codec: str,
    inputs: tuple[Path, ...],
    bpp: float | None,
    psnr: float | None,
    ms_ssim: float | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Find the quality at which CODEC comes nearest to a target, as the mean over the images.

    CODEC is any that bench knows: a classical one, or a model of the zoo.
    """
    from latentpress.evaluation import find_close, to_json

    targets = {"bpp": bpp, "psnr-rgb": psnr, "ms-ssim-rgb": ms_ssim}
    given = [(metric, target) for metric, target in targets.items() if target is not None]
    if len(given) != 1:
        raise click.UsageError("Give one of --bpp, --psnr and --ms-ssim.")
    metric, target = given[0]
    (configured,) = configured_codecs([codec], settings)
    close = find_close(configured, inputs, target, metric)
    if as_json:
        record = {"name": configured.name, "description": configured.description, "target": {metric: target}}
        click.echo(to_json({**record, "quality": close.quality, "values": close.values}))
        return
    figures = {"bpp": ".4f", "psnr-rgb": ".3f", "ms-ssim-rgb": ".5f"}
    measured = ", ".join(
        f"{name} {value:{form}}"
        for name, form in figures.items()
        if (value := close.values.get(name)) is not None
    )
    click.echo(f"{configured.name}: quality {close.quality:g}: {measured}")
