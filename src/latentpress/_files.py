"""Files that LatentPress keeps for itself: where they lie, and how they are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE_VARIABLE = "LATENTPRESS_CACHE"


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
    """A file beside `target` that takes its name when the block ends well, and is removed otherwise."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o644)  # mkstemp keeps others out, but these files may be shared
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
