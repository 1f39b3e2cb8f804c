"""`latentpress update`: a training checkpoint becomes a file of weights to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path), metavar="CHECKPOINT")
@click.option(
    "-a",
    "--architecture",
    "--model",
    metavar="NAME",
    help="A model that `latentpress models` lists, or package.module:Class; a checkpoint that names its own "
    "needs none.",
)
@click.option(
    "-n", "--name", metavar="NAME", help="Of the new file, before its hash; by default the checkpoint's."
)
@click.option(
    "-d",
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    metavar="FOLDER",
    help="Where the new file goes; by default the working directory.",
)
@click.option(
    "--format",
    type=click.Choice(["safetensors", "pth.tar"]),
    default="safetensors",
    show_default=True,
    help="safetensors names its architecture; pth.tar is a state dict for torch.load.",
)
@click.option(
    "--update/--no-update",
    default=True,
    show_default=True,
    help="Rebuild the coder's tables, or keep those of the checkpoint.",
)
def command(**given: Any) -> None:
    """Write a trained model as NAME-HASH.safetensors, with its coder's tables and nothing else.

    HASH is the start of the file's SHA-256. The optimiser's state and other company in CHECKPOINT are left
    behind, and older spellings of its keys are brought up to date.
    """
    from latentpress.utils.export import export_checkpoint

    click.echo(export_checkpoint(**given))
