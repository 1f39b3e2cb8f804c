"""Which file becomes which: from the paths on the command line to pairs of source and target."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from latentpress.errors import ConfigurationError

STREAM = Path("-")


@dataclass(frozen=True)
class Job:
    """One file to make out of another."""

    source: Path
    target: Path


def plan(
    inputs: Sequence[Path],
    output: Path | None,
    suffix: str | Callable[[Path], str],
    accepts: Callable[[Path], bool],
) -> list[Job]:
    """The files to make.

    A folder stands for all files in it, however deep, that `accepts` takes, and its tree is kept below the
    output folder. Without an output, files appear beside their originals. Where two originals would become
    the same file, their own suffixes are kept in front of the new one.

    Args:
        inputs: files and folders.
        output: a folder, or the file to make if there is one input file and no such folder.
        suffix: of the files to make, with its dot; or what tells it of an original.
        accepts: whether a file in a folder is meant.

    Raises:
        ConfigurationError: an input is missing, a folder holds nothing to work on, or the output is a file
            where it has to be a folder.
    """
    if len(inputs) == 1 and not inputs[0].is_dir() and output is not None and not _is_folder(output):
        _check_exists(inputs[0])
        return [Job(inputs[0], output)]
    if output is not None and output.exists() and not output.is_dir():
        raise ConfigurationError(f"Expected a folder to write several files into, found the file {output}.")
    found = [(source, root) for path in inputs for source, root in _sources(path, accepts)]
    suffixes = [suffix if isinstance(suffix, str) else suffix(source) for source, _ in found]
    shortened = [
        _target(source, root, output).with_suffix(own)
        for (source, root), own in zip(found, suffixes, strict=True)
    ]
    uses = Counter(shortened)
    return [
        Job(source, short if uses[short] == 1 else short.with_name(source.name + own))
        for (source, _), short, own in zip(found, shortened, suffixes, strict=True)
    ]


def _sources(path: Path, accepts: Callable[[Path], bool]) -> list[tuple[Path, Path]]:
    """The files that an input stands for, each with the folder that its place is relative to."""
    _check_exists(path)
    if not path.is_dir():
        return [(path, path.parent)]
    files = sorted(file for file in path.rglob("*") if file.is_file() and accepts(file))
    if not files:
        raise ConfigurationError(f"Expected files to work on in {path}, found none.")
    return [(file, path) for file in files]


def _target(source: Path, root: Path, output: Path | None) -> Path:
    return source if output is None else output / source.relative_to(root)


def _is_folder(path: Path) -> bool:
    return path.is_dir() or str(path).endswith((os.sep, "/"))


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise ConfigurationError(f"Expected a file or folder at {path}, found none.")
