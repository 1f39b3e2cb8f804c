"""DataLoaders that keep the machine's cores busy with decoding."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from latentpress.errors import ConfigurationError


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_loader(
    dataset: Dataset[Any],
    batch_size: int,
    *,
    shuffle: bool = False,
    workers: int | None = None,
    drop_last: bool = False,
    seed: int | None = None,
    pin_memory: bool | None = None,
) -> DataLoader[Any]:
    """A DataLoader with settings for images: a worker a core, each on one thread, kept between passes and a
    few batches ahead.

    Args:
        dataset: what to read.
        batch_size: items a batch.
        shuffle: read items in a random order; a stream such as `ShardedImages` shuffles by itself.
        workers: processes that read; by default, as many as there are cores. 0 reads in this process.
        drop_last: leave out a last batch that is not full.
        seed: of the order and of the workers' generators; None draws one from torch's global generator.
        pin_memory: prepare batches for copying to a GPU; by default, where there is one.

    Raises:
        ConfigurationError: a size or number is not positive.

    Example:
        >>> import torch
        >>> from latentpress.datasets import make_loader
        >>> [batch.tolist() for batch in make_loader(torch.arange(5), 2, workers=0)]
        [[0, 1], [2, 3], [4]]
    """
    workers = usable_cores() if workers is None else workers
    if batch_size < 1 or workers < 0:
        raise ConfigurationError(
            f"Expected a batch of at least one item and no negative number of workers, "
            f"found {batch_size} and {workers}."
        )
    options: dict[str, Any] = {}
    if workers:
        options = {"persistent_workers": True, "prefetch_factor": 4, "worker_init_fn": _use_one_thread}
    if shuffle and not isinstance(dataset, IterableDataset):
        options["shuffle"] = True
    return DataLoader(
        dataset,
        batch_size=batch_size,
        num_workers=workers,
        drop_last=drop_last,
        generator=None if seed is None else torch.Generator().manual_seed(seed),
        pin_memory=torch.cuda.is_available() if pin_memory is None else pin_memory,
        **options,
    )


def _use_one_thread(worker: int) -> None:
    torch.set_num_threads(1)  # workers that each use all cores get in one another's way
