"""Where weights lie on this machine, and how they are checked before they are used.

A published file is taken from the cache directory if it is there, and is downloaded into it if it is not.
"""

from __future__ import annotations

import os
from pathlib import Path

from latentpress._files import cache_directory
from latentpress.zoo.bundled import bundled_file
from latentpress.zoo.download import download
from latentpress.zoo.files import check_hash
from latentpress.zoo.records import Weights

MIRROR_VARIABLE = "LATENTPRESS_WEIGHTS_URL"


def is_cached(weights: Weights) -> bool:
    """Whether the file lies in the cache directory; its hash is not looked at."""
    return (cache_directory() / weights.file).is_file()


def fetch(weights: Weights, *, progress: bool = True, base_url: str | None = None) -> Path:
    """Path of a weights file on this machine, with its hash checked; it is downloaded first if need be.

    Args:
        weights: what to fetch.
        progress: show a bar on the standard error stream while downloading.
        base_url: address of a mirror, to which the file's name is appended; without it,
            $LATENTPRESS_WEIGHTS_URL, and without that, the address where the file was published.

    Raises:
        WeightsError: the file cannot be had, or is not the one that was published.
    """
    if weights.bundled:
        return bundled_file(weights)
    target = cache_directory() / weights.file
    if not target.exists():
        download(_address(weights, base_url), target, sha256=weights.sha256, progress=progress)
    elif weights.sha256 is not None:
        check_hash(target, weights.sha256, "delete it or replace it")
    return target


def _address(weights: Weights, base_url: str | None) -> str:
    mirror = base_url or os.environ.get(MIRROR_VARIABLE)
    return f"{mirror.rstrip('/')}/{weights.file}" if mirror else str(weights.url)
