"""Files that LatentPress keeps for itself: where they lie, and how they are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a Unix: files are written just the same, and leftovers stay
    fcntl = None  # type: ignore[assignment]

CACHE_VARIABLE = "LATENTPRESS_CACHE"
_LONGEST_STEM = 120
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


def cache_directory() -> Path:
    """Directory of downloads: $LATENTPRESS_CACHE, or else `latentpress` in the user's cache directory."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "latentpress"


def is_empty(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file with nothing in it. Readers ask before they complain about what they miss."""
    path = Path(path)
    return path.is_file() and path.stat().st_size == 0


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's contents, in hexadecimal; raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A file beside `target` that takes its name when the block ends well, and is removed otherwise.

    It is locked in the meantime. One that is there and not locked is what a process left that was killed, and
    is replaced; so whoever makes the same target the next time tidies up.
    """
    partial, handle = _claimed(target)
    _unfinished.add(partial)
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
        _unfinished.discard(partial)
        os.close(handle)


def remove_unfinished() -> None:
    """Remove the files that are being written, for a process that is about to end without ceremony."""
    for partial in list(_unfinished):
        with suppress(OSError):
            partial.unlink()


_unfinished: set[Path] = set()


def _claimed(target: Path) -> tuple[Path, int]:
    """A new file beside the target, and its handle, which holds the lock."""
    # Half of what file systems allow in bytes leaves room for the rest of the name.
    stem = os.fsencode(target.name)[:_LONGEST_STEM].decode(errors="ignore")
    number = 0
    while True:
        partial = target.with_name(f".{stem}.{number}.part")
        try:
            handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | _CLOEXEC, 0o666)
        except FileExistsError:
            if not _removed_leftover(partial):
                number += 1
            continue
        if _lock(handle, True) and _is_at(handle, partial):
            return partial, handle
        os.close(handle)  # somebody took it for a leftover


def _removed_leftover(partial: Path) -> bool:
    """Remove a file that no process writes any more; False where one does, or where nobody can tell."""
    try:
        handle = os.open(partial, os.O_RDWR | _CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if not _lock(handle, False):
            return False
        if _is_at(handle, partial):
            partial.unlink()
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def _lock(handle: int, otherwise: bool) -> bool:
    """Lock a file until its handle is closed; False where another process has locked it.

    Args:
        handle: of the file.
        otherwise: what to return where the system or the disk knows no locks.
    """
    if fcntl is None:
        return otherwise
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return otherwise
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Whether the file of a handle still is the one at a path."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False
