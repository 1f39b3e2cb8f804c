"""`python -m latentpress.utils.update_model`: a training checkpoint becomes a file of weights to publish."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from latentpress.utils.commands import run_command
from latentpress.utils.export import FORMATS, export_checkpoint

# Names of architectures in older tutorials.
OLD_NAMES = {
    "factorized-prior": "bmshj2018-factorized",
    "scale-hyperprior": "bmshj2018-hyperprior",
    "mean-scale-hyperprior": "mbt2018-mean",
    "jarhp": "mbt2018",
}


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    described = argparse.ArgumentParser(
        prog="python -m latentpress.utils.update_model",
        description="Write a trained model with up-to-date coder tables, and with the start of its SHA-256 "
        "in its name, so that it can be loaded and checked later.",
    )
    add = described.add_argument
    add("filepath", help="checkpoint of the trained model")
    add("-n", "--name", help="name of the new file, before its hash (default: that of the checkpoint)")
    add("-d", "--dir", default=".", help="where the new file goes (default: the working directory)")
    add("--no-update", action="store_true", help="keep the coder tables of the checkpoint")
    add(
        "-a",
        "--architecture",
        default="scale-hyperprior",
        help="name of a model that `latentpress models` lists, or package.module:Class "
        "(default: %(default)s)",
    )
    add("--format", choices=FORMATS, default="pth.tar", help="of the new file (default: %(default)s)")
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, print the new file's path, and return the exit status."""
    given = parser().parse_args(argv)
    return run_command("update_model", lambda: _run(given))


def _run(given: argparse.Namespace) -> None:
    path = export_checkpoint(
        given.filepath,
        OLD_NAMES.get(given.architecture, given.architecture),
        name=given.name,
        directory=given.dir,
        update=not given.no_update,
        format=given.format,
    )
    print(path)


if __name__ == "__main__":
    sys.exit(main())
