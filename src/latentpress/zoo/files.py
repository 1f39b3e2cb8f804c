"""Files of weights: written whole or not at all, and checked to be the ones that records speak of."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latentpress.errors import WeightsError


def check_hash(path: Path, expected: str, remedy: str) -> None:
    """Raise WeightsError, with what to do about it, unless the file's SHA-256 starts with `expected`."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error}): {remedy}.") from error
    found = digest.hexdigest()[: len(expected)]
    if found != expected:
        raise WeightsError(f"Expected a file with SHA-256 {expected}, found {found} in {path}: {remedy}.")


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A file beside `target` that takes its name when the block ends well, and is removed otherwise."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o644)  # mkstemp keeps others out, but weights may be shared
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
