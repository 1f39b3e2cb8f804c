"""`latentpress data`: published sets of images, what is on the disk, and shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from latentpress.cli.options import Size
from latentpress.errors import DataError

_FOLDER = click.Path(path_type=Path, file_okay=False)

OnFile = Callable[[int, int], None]


@click.group()
def command() -> None:
    """List, download, verify and pack sets of images."""


@command.command("list")
def list_collections() -> None:
    """List the sets that can be downloaded."""
    from latentpress.cli.jobs import readable_size
    from latentpress.datasets.catalogue import collections

    for record in collections():
        size = "size not known" if record.bytes is None else readable_size(record.bytes)
        checks = "SHA-256" if record.has_checksums else "no SHA-256"
        click.echo(
            f"{record.name:<12}{record.images:>5} images  {size:<16}{checks:<12}"
            f"{record.title} ({record.terms})"
        )


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "-o",
    "--output",
    type=_FOLDER,
    default=Path("data"),
    show_default=True,
    metavar="FOLDER",
    help="Where data sets are kept; each gets a folder of its name.",
)
@click.option(
    "--mirror",
    metavar="URL",
    help="Fetch the files of these names from here instead of from where they were published.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def download(names: tuple[str, ...], output: Path, mirror: str | None, quiet: bool) -> None:
    """Download sets, check them, and take them out of their archives. What is there is not fetched again;
    what was cut off goes on where it was."""
    from latentpress.datasets.catalogue import collection
    from latentpress.datasets.fetching import fetch_collection

    for record in [collection(name) for name in names]:
        folder = fetch_collection(record, output, mirror=mirror, progress=not quiet)
        if not quiet:
            click.echo(f"{record.name}: {record.images} images in {folder}", err=True)


@command.command()
@click.argument("folder", type=_FOLDER)
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def verify(folder: Path, quiet: bool) -> None:
    """Check that the images or shards in a folder are whole and are those that they should be, as far as
    that is known: from SHA256SUMS files, from the index of shards, from the names of Kodak's images."""
    from latentpress.datasets.verification import verify as verify_folder

    with _progress("verifying", shown=not quiet) as on_file:
        found = verify_folder(folder, on_file)
    for problem, paths in (("damaged", found.damaged), ("missing", found.missing)):
        for path in paths:
            click.echo(f"{problem}: {path}")
    if not quiet:
        click.echo(f"{found.verified} files verified by SHA-256, {found.readable} images decoded", err=True)
    if not found.good:
        raise DataError(
            f"Expected everything in {folder} to be whole, found {len(found.damaged)} damaged and "
            f"{len(found.missing)} missing files: fetch or copy them again."
        )


@command.command()
@click.argument("source", type=_FOLDER)
@click.argument("target", type=_FOLDER)
@click.option(
    "--shard-size",
    type=Size(),
    default="512M",
    show_default=True,
    help="Size of a shard at most, such as 512M.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the order of the images.")
@click.option("--in-order", is_flag=True, help="Keep images in the order of their paths.")
@click.option("--no-check", is_flag=True, help="Do not decode images to leave out the broken ones.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def shard(
    source: Path, target: Path, shard_size: int, seed: int, in_order: bool, no_check: bool, quiet: bool
) -> None:
    """Pack the images below SOURCE into tar files in TARGET, for `latentpress.datasets.ShardedImages` and
    other readers of WebDataset."""
    from latentpress.datasets.sharding import make_shards

    with _progress("packing", shown=not quiet) as on_file:
        index = make_shards(
            source,
            target,
            shard_size=shard_size,
            seed=None if in_order else seed,
            check=not no_check,
            on_file=on_file,
        )
    if not quiet:
        click.echo(f"{index.images} images in {len(index.shards)} shards, {index.skipped} skipped", err=True)


@contextmanager
def _progress(verb: str, *, shown: bool) -> Iterator[OnFile]:
    """A bar of files on the standard error stream, as the function to tell how many are done."""
    from rich.console import Console

    from latentpress.cli.jobs import progress_bar

    with progress_bar(Console(stderr=True), shown=shown) as bar:
        task = bar.add_task(verb)
        yield lambda done, total: bar.update(task, completed=done, total=total)
