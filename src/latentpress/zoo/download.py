"""A file of weights over HTTP, whole and verified or not at all."""

from __future__ import annotations

from functools import partial

from latentpress import _download
from latentpress._files import CACHE_VARIABLE
from latentpress.errors import WeightsError

# `latentpress._download.download`, whose errors are WeightsErrors that tell how to choose another directory.
download = partial(
    _download.download,
    error=WeightsError,
    elsewhere=f"choose another directory with the environment variable {CACHE_VARIABLE}",
)
