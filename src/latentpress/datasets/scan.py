"""The files of a folder, however many: found once, kept compactly, and remembered between runs.

A list of millions of `Path` objects takes gigabytes, and every worker process ends up with a copy of its own.
Here paths are bytes in one array, which processes share. What a scan of a large folder found is kept in the
user's cache directory, and holds for as long as no directory in the folder was changed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import overload
from zipfile import BadZipFile

import numpy as np

from latentpress._files import cache_directory, whole_file
from latentpress.errors import DataError

WORTH_CACHING = 10_000
"""Number of files from which on a scan is remembered unless told otherwise."""

# A directory that was changed this recently may be changed again without getting another time, because file
# systems keep times in steps of up to two seconds.
_SETTLED_AFTER_NS = 2_000_000_000


class PathTable(Sequence[Path]):
    """Paths below a folder, as one array of bytes and one of offsets.

    Args:
        root: the folder.
        names: paths relative to it.
    """

    def __init__(self, root: Path, names: Iterable[str] = ()) -> None:
        self.root = root
        encoded = [os.fsencode(name) for name in names]
        self._bytes = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        self._ends = np.cumsum([len(name) for name in encoded], dtype=np.int64)

    @classmethod
    def from_arrays(cls, root: Path, names: np.ndarray, ends: np.ndarray) -> PathTable:
        """The table whose `arrays` these are.

        Raises:
            ValueError: they are not those of a table.
        """
        lengths = np.diff(ends, prepend=0)
        if names.dtype != np.uint8 or ends.dtype != np.int64 or ends.ndim != 1 or (lengths < 1).any():
            raise ValueError("not the arrays of a table of paths")
        if names.shape != (ends[-1] if len(ends) else 0,):
            raise ValueError("a table of paths was cut short")
        table = cls(root)
        table._bytes, table._ends = names, ends
        return table

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """The bytes of all names, and where each of them ends."""
        return self._bytes, self._ends

    def name(self, index: int) -> str:
        """A path relative to the folder."""
        index = range(len(self))[index]
        start = self._ends[index - 1] if index else 0
        return os.fsdecode(self._bytes[start : self._ends[index]].tobytes())

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> list[Path]: ...

    def __getitem__(self, index: int | slice) -> Path | list[Path]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self.root / self.name(index)


@dataclass(frozen=True)
class _Scan:
    """What a folder held: files, and the directories with the times at which they last changed."""

    files: PathTable
    directories: PathTable
    times: np.ndarray

    def holds(self) -> bool:
        """Whether every directory still is as it was."""
        return all(
            _changed(self.directories[i]) == time for i, time in enumerate(self.times.tolist())
        ) and bool(len(self.times))

    def settled(self) -> bool:
        """Whether a later change of a directory would show in its time."""
        return bool((self.times < time.time_ns() - _SETTLED_AFTER_NS).all())


def scan(root: str | Path, suffixes: Collection[str], cache: bool | str | Path | None = None) -> PathTable:
    """The files below a folder that have one of the suffixes, sorted by path.

    Links are followed; files and directories whose names start with a dot are left out.

    Args:
        root: the folder, searched however deep.
        suffixes: in lower case, with their dot.
        cache: whether to remember what is found, in the user's cache directory; by default, large folders
            are. A path is the file to remember it in instead.

    Raises:
        DataError: the folder or one below it does not exist or cannot be read.

    Example:
        >>> import tempfile
        >>> from latentpress.datasets.scan import scan
        >>> folder = tempfile.TemporaryDirectory()
        >>> _ = Path(folder.name, "a.png").write_bytes(b"")
        >>> [path.name for path in scan(folder.name, {".png"})]
        ['a.png']
    """
    root = Path(root)
    place = None if cache is False else _cache_file(root, suffixes, cache)
    if place is not None and (known := _load(place, root)) is not None and known.holds():
        return known.files
    found = _walk(root, frozenset(suffixes))
    wanted = len(found.files) >= WORTH_CACHING if cache is None else True
    if place is not None and wanted and found.settled():
        with suppress(OSError):  # a cache that cannot be written costs the next run a scan, nothing else
            _save(place, found)
    return found.files


def _cache_file(root: Path, suffixes: Collection[str], cache: bool | str | Path | None) -> Path:
    if isinstance(cache, (str, Path)):
        return Path(cache)
    key = json.dumps([os.fspath(root.resolve()), sorted(suffixes)])
    return (
        cache_directory() / "scans" / f"{sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.npz"
    )


def _changed(directory: Path) -> int | None:
    try:
        return directory.stat().st_mtime_ns
    except OSError:
        return None


def _walk(root: Path, suffixes: frozenset[str]) -> _Scan:
    names: list[str] = []
    directories: list[tuple[str, int]] = []
    seen: set[tuple[int, int]] = set()  # so that a link to a directory above ends
    waiting = ["."]
    while waiting:
        directory = waiting.pop()
        try:
            status = os.stat(root / directory)
            if (identity := (status.st_dev, status.st_ino)) in seen:
                continue
            seen.add(identity)
            directories.append((directory, status.st_mtime_ns))
            files, deeper = _entries(root, directory, suffixes)
        except OSError as error:
            reason = error.strerror or str(error)
            raise DataError(f"Expected a readable folder at {root / directory}, found: {reason}.") from error
        names += files
        waiting += deeper
    names.sort(key=os.fsencode)
    times = np.array([time for _, time in directories], dtype=np.int64)
    return _Scan(PathTable(root, names), PathTable(root, [name for name, _ in directories]), times)


def _entries(root: Path, directory: str, suffixes: frozenset[str]) -> tuple[list[str], list[str]]:
    """Files with a suffix, and directories, in one directory; relative to the root."""
    prefix = "" if directory == "." else f"{directory}/"
    files, deeper = [], []
    with os.scandir(root / directory) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if os.path.splitext(entry.name)[1].lower() in suffixes and entry.is_file():
                files.append(prefix + entry.name)
            elif entry.is_dir():
                deeper.append(prefix + entry.name)
    deeper.sort(reverse=True)
    return files, deeper


def _save(place: Path, found: _Scan) -> None:
    names, ends = found.files.arrays
    directories, directory_ends = found.directories.arrays
    place.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(place) as partial, partial.open("wb") as file:
        np.savez(
            file,
            names=names,
            ends=ends,
            directories=directories,
            directory_ends=directory_ends,
            times=found.times,
        )


def _load(place: Path, root: Path) -> _Scan | None:
    """What was remembered; None where there is nothing, or nothing whole."""
    try:
        with np.load(place, allow_pickle=False) as kept:
            files = PathTable.from_arrays(root, kept["names"], kept["ends"])
            directories = PathTable.from_arrays(root, kept["directories"], kept["directory_ends"])
            times = kept["times"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return _Scan(files, directories, times) if times.shape == (len(directories),) else None
