"""`latentpress progressive`: a coarser image from the front of a file, or from fewer latents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from latentpress.cli.hierarchies import output_option, overwrite_option, sampling_options, seeded
from latentpress.cli.options import weights_options


@click.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@output_option
@overwrite_option
@click.option("--latents", type=click.IntRange(min=1), metavar="K", help="Use the coarsest K latents only.")
@sampling_options
@weights_options
def command(
    source: Path,
    output: Path,
    overwrite: bool,
    latents: int | None,
    temperature: float,
    seed: int | None,
    **given: Any,
) -> None:
    """Decode a .ltp FILE of a hierarchical model as far as it goes.

    The file may be cut anywhere after its first latent. Latents that are missing, or that --latents leaves
    out, are sampled; give --temperature 0 for the most likely image.
    """
    from latentpress.codec.disk import check_target, open_to_read, read_compressed, write_file
    from latentpress.codec.files import format_of, image_bytes
    from latentpress.codec.hierarchical import decompress_hierarchical

    check_target(output, overwrite, sources=[source])
    with open_to_read(source) as file:
        data = read_compressed(file, str(source))
    image = decompress_hierarchical(
        data,
        latents=latents,
        prefix=True,
        temperature=temperature,
        generator=seeded(seed),
        **given,
    )
    write_file(output, image_bytes(image, format_of(output)), overwrite=overwrite)
