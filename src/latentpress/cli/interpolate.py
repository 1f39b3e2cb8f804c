"""`latentpress interpolate`: a path between two images through a model's latents."""

from __future__ import annotations

from pathlib import Path

import click

from latentpress.cli.hierarchies import (
    check_output,
    model_options,
    output_option,
    overwrite_option,
    read_padded,
    write_images,
)

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("first", type=_FILE)
@click.argument("second", type=_FILE)
@output_option
@overwrite_option
@click.option(
    "--steps", type=click.IntRange(min=2), default=5, show_default=True, help="Images, side by side."
)
@model_options
def command(
    first: Path,
    second: Path,
    output: Path,
    overwrite: bool,
    steps: int,
    model: str,
    lmb: float | None,
    checkpoint: Path | None,
    device: str,
) -> None:
    """Interpolate between two image files of the same size in the latents of a hierarchical model."""
    from latentpress.codec.hierarchical import load_hierarchical_codec
    from latentpress.errors import ImageError
    from latentpress.models.hierarchical import interpolate

    check_output(output, overwrite, first, second)
    codec = load_hierarchical_codec(model, lmb=lmb, checkpoint=checkpoint, device=device)
    (a, size), (b, other) = (read_padded(path, codec.model.downsampling_factor) for path in (first, second))
    if size != other:
        raise ImageError(f"Expected two images of the same height and width, found {size} and {other}.")
    path = interpolate(codec.model, a.to(device), b.to(device), steps, codec.rate(lmb))
    write_images(path[..., : size[0], : size[1]].cpu(), output, overwrite)
