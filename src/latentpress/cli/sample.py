"""`latentpress sample`: images out of nothing but a model."""

from __future__ import annotations

from pathlib import Path

import click

from latentpress.cli.hierarchies import (
    check_output,
    model_options,
    output_option,
    overwrite_option,
    sampling_options,
    seeded,
    write_images,
)


@click.command()
@output_option
@overwrite_option
@click.option(
    "--count", type=click.IntRange(min=1), default=4, show_default=True, help="How many, side by side."
)
@click.option(
    "--size", type=(int, int), default=(256, 256), show_default=True, help="Height and width in pixels."
)
@model_options
@sampling_options
def command(
    output: Path,
    overwrite: bool,
    count: int,
    size: tuple[int, int],
    model: str,
    lmb: float | None,
    checkpoint: Path | None,
    device: str,
    temperature: float,
    seed: int | None,
) -> None:
    """Sample images from a hierarchical model."""
    from latentpress.codec.hierarchical import load_hierarchical_codec
    from latentpress.models.hierarchical import sample

    check_output(output, overwrite)
    codec = load_hierarchical_codec(model, lmb=lmb, checkpoint=checkpoint, device=device)
    images = sample(codec.model, count, size, codec.rate(lmb), temperature, seeded(seed))
    write_images(images.cpu(), output, overwrite)
