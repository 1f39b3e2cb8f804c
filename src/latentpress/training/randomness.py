"""Random numbers that follow from the seed and the position in a run, and from nothing else.

Before each part of a step, and before each image is read, all generators are seeded from where the run is.
Hence a resumed run draws what it would have drawn; hence, too, neither the number of processes nor that of
reading workers changes what a part of a batch sees.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def seed_for(*position: int | str) -> int:
    """A number below 2^63 that any change of `position` changes beyond recognition.

    Example:
        >>> seed_for(0, "step", 1) == seed_for(0, "step", 2)
        False
    """
    digest = hashlib.blake2b(repr(position).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def seed_everything(*position: int | str) -> None:
    """Seed the global generators of torch (on every device), Python and NumPy from a position."""
    seed = seed_for(*position)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - a user's transforms may draw from the global generator
