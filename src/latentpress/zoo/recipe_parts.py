"""What the recipes of several families share: sizes by quality, and the published models' training."""

from __future__ import annotations

from collections.abc import Iterable

from latentpress.zoo.records import Training

_LMBDA = {
    "mse": (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800),
    "ms-ssim": (2.40, 4.58, 8.73, 16.64, 31.73, 60.50, 115.37, 220.00),
}


def sizes(qualities: Iterable[int], **arguments: int) -> dict[int | None, dict[str, int]]:
    """The same constructor arguments for each of several qualities."""
    return {quality: dict(arguments) for quality in qualities}


def standard_training(qualities: Iterable[int]) -> Training:
    """The training of the published models, with the trade-off of each of `qualities` (from 1 to 8)."""
    chosen = tuple(qualities)
    return Training(lmbda={metric: {q: values[q - 1] for q in chosen} for metric, values in _LMBDA.items()})
