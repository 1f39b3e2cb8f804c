"""Memory of a process that trains on a CPU: kept between steps, because asking for it anew takes time."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # parameters of glibc's mallopt
_VARIABLES = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")


@cache
def keep_freed_memory() -> bool:
    """Have the C library keep the memory of freed tensors for the next ones, until the process ends.

    glibc asks the system for each large tensor and gives it back when it is freed, and the system clears it
    page by page: a tenth of a training step on a CPU. As on GPUs, what a step needed at most then stays with
    the process. Nothing changes where there is no glibc, or where the environment says how it is to allocate.

    Returns:
        Whether memory is kept.
    """
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _VARIABLES):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(library.mallopt(_MMAP_MAX, 0) and library.mallopt(_TRIM_THRESHOLD, sys.maxsize >> 32))
