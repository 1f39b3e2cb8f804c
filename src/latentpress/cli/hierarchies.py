"""What the commands for hierarchical models share: their options, and images in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from latentpress.cli.options import combined, weights_options

if TYPE_CHECKING:
    import torch
    from torch import Tensor

model_options = combined(
    click.option(
        "--model", default="qarv_base", show_default=True, metavar="NAME", help="A hierarchical model."
    ),
    click.option("--lmb", type=float, metavar="LAMBDA", help="Its lambda; the model's default if not given."),
    weights_options,
)

sampling_options = combined(
    click.option(
        "--temperature",
        type=click.FloatRange(min=0.0),
        default=1.0,
        show_default=True,
        help="Factor on the spread of samples; 0 takes the most likely latents.",
    ),
    click.option("--seed", type=int, help="Makes samples repeatable."),
)

output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Image file to write."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace a file that exists.")


def seeded(seed: int | None) -> torch.Generator | None:
    """A generator for the seed; None where there is none."""
    import torch

    return None if seed is None else torch.Generator().manual_seed(seed)


def read_padded(path: Path, factor: int) -> tuple[Tensor, tuple[int, int]]:
    """An image file as (1, 3, H, W) in [0, 1], padded to whole factors, and its (height, width)."""
    import torch
    from PIL import Image

    from latentpress.codec.disk import read_file
    from latentpress.codec.files import open_image
    from latentpress.models.hierarchical.files import padded

    image: Image.Image = open_image(read_file(path), str(path)).convert("RGB")
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    x = pixels.reshape(image.height, image.width, 3).permute(2, 0, 1)[None].float() / 255
    return padded(x, factor), (image.height, image.width)


def check_output(path: Path, overwrite: bool, *sources: Path) -> None:
    """Refuse an image file that cannot be written, before there is work for it.

    Raises:
        ConfigurationError: its suffix names no image format, it exists and must not be replaced, or it is one
            of the files that are read.
    """
    from latentpress.codec.disk import check_target
    from latentpress.codec.files import format_of

    format_of(path)
    check_target(path, overwrite, sources=sources)


def write_images(x: Tensor, path: Path, overwrite: bool) -> None:
    """Write (N, 3, H, W) in [0, 1] as one picture, side by side."""
    from PIL import Image

    from latentpress.codec.disk import write_file
    from latentpress.codec.files import format_of, image_bytes

    image_format = format_of(path)
    row = x.clamp(0, 1).mul(255).round().byte().permute(2, 0, 3, 1).flatten(1, 2)
    write_file(
        path, image_bytes(Image.fromarray(row.contiguous().numpy()), image_format), overwrite=overwrite
    )
