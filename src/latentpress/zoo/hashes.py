"""Whether a file is the one that a record speaks of."""

from __future__ import annotations

import hashlib
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
