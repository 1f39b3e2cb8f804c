"""Which file becomes which: from the paths on the command line to pairs of source and target."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from latentpress._names import distinct
from latentpress.codec.disk import check_sources_stay
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
    the same file, their own suffixes are kept in front of the new one. A file that is given twice is done
    once.

    Args:
        inputs: files and folders.
        output: a folder, or the file to make if there is one input file and no such folder.
        suffix: of the files to make, with its dot; or what tells it of an original.
        accepts: whether a file in a folder is meant.

    Raises:
        ConfigurationError: an input is missing, a folder holds nothing to work on, the output is a file
            where it has to be a folder, two originals would become the same file all the same, or a file
            that is to be made is one of the originals.
    """
    if len(inputs) == 1 and not inputs[0].is_dir() and output is not None and not _is_folder(output):
        _check_exists(inputs[0])
        return _checked([Job(inputs[0], output)])
    if output is not None and output.exists() and not output.is_dir():
        raise ConfigurationError(f"Expected a folder to write several files into, found the file {output}.")
    found = [(source, root) for path in inputs for source, root in _sources(path, accepts)]
    suffixes = [suffix if isinstance(suffix, str) else suffix(source) for source, _ in found]
    places = [_target(source, root, output) for source, root in found]
    resolved = _Resolver()
    names = distinct(
        [resolved(place.with_suffix(own)) for place, own in zip(places, suffixes, strict=True)],
        [resolved(place.with_name(place.name + own)) for place, own in zip(places, suffixes, strict=True)],
    )
    jobs = [
        Job(source, place.with_name(os.path.basename(name)))
        for (source, _), place, name in zip(found, places, names, strict=True)
    ]
    return _checked(jobs)


class _Resolver:
    """Tells whether two paths are the same place, also by way of links: those of folders, looked up once."""

    def __init__(self) -> None:
        self._folders: dict[Path, str] = {}

    def __call__(self, path: Path) -> str:
        """The path with the links of its folder followed."""
        folder = self._folders.get(path.parent)
        if folder is None:
            folder = self._folders[path.parent] = os.path.realpath(path.parent)
        return os.path.join(folder, path.name)


def _checked(jobs: list[Job]) -> list[Job]:
    """The jobs, each once, if none would take the place of another's result or of a file that is read."""
    resolved = _Resolver()
    owners: dict[str, Path] = {}
    kept = []
    for job in jobs:
        place = resolved(job.target)
        owner = owners.setdefault(place, job.source)
        if owner is job.source:
            kept.append(job)
        elif not os.path.samefile(owner, job.source):
            raise ConfigurationError(
                f"Expected a name of its own for every result, found {owner} and {job.source}, which would "
                f"both become {job.target}: do them apart, or give the folder that holds both."
            )
    check_sources_stay((job.source for job in jobs), (job.target for job in jobs))
    return kept


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
