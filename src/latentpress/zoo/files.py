"""Files of weights, checked to be the ones that records speak of."""

from __future__ import annotations

from pathlib import Path

from latentpress._files import sha256_of
from latentpress.errors import WeightsError


def check_hash(path: Path, expected: str, remedy: str) -> None:
    """Raise WeightsError, with what to do about it, unless the file's SHA-256 starts with `expected`."""
    try:
        found = sha256_of(path)[: len(expected)]
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error}): {remedy}.") from error
    if found != expected:
        raise WeightsError(f"Expected a file with SHA-256 {expected}, found {found} in {path}: {remedy}.")
