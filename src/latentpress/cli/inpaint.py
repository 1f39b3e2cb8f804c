"""`latentpress inpaint`: a region of an image made up by a model."""

from __future__ import annotations

from pathlib import Path

import click

from latentpress.cli.hierarchies import (
    check_output,
    model_options,
    output_option,
    overwrite_option,
    read_padded,
    sampling_options,
    seeded,
    write_images,
)


@click.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False), metavar="IMAGE")
@output_option
@overwrite_option
@click.option(
    "--box",
    type=(int, int, int, int),
    required=True,
    metavar="TOP LEFT BOTTOM RIGHT",
    help="Rows and columns in pixels; bottom and right are outside.",
)
@model_options
@sampling_options
def command(
    source: Path,
    output: Path,
    overwrite: bool,
    box: tuple[int, int, int, int],
    model: str,
    lmb: float | None,
    checkpoint: Path | None,
    device: str,
    temperature: float,
    seed: int | None,
) -> None:
    """Make up the pixels of a box of an IMAGE, given the others."""
    import torch

    from latentpress.codec.hierarchical import load_hierarchical_codec
    from latentpress.errors import ConfigurationError
    from latentpress.models.hierarchical import inpaint

    check_output(output, overwrite, source)
    codec = load_hierarchical_codec(model, lmb=lmb, checkpoint=checkpoint, device=device)
    x, (height, width) = read_padded(source, codec.model.downsampling_factor)
    top, left, bottom, right = box
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise ConfigurationError(f"Expected a box inside the {height}x{width} image, found {box}.")
    mask = torch.zeros(1, 1, *x.shape[2:])
    mask[..., top:bottom, left:right] = 1.0
    painted = inpaint(codec.model, x.to(device), mask.to(device), codec.rate(lmb), temperature, seeded(seed))
    write_images(painted[..., :height, :width].cpu(), output, overwrite)
