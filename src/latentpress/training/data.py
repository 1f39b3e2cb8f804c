"""Batches in an order that follows from the seed, from any step on, whoever reads them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler, get_worker_info

from latentpress._signals import ignore_signals
from latentpress.errors import ConfigurationError
from latentpress.training.processes import Processes
from latentpress.training.randomness import seed_everything, seed_for
from latentpress.training.settings import DataSettings

_VIMEO_LISTS = {3: "tri_trainlist.txt", 7: "sep_trainlist.txt"}  # by the frames of a tuplet


class ShuffledStream(Dataset[Any]):
    """Endless passes over a data set, each in an order of its own.

    Item number p is image number `p % len(dataset)` of pass `p // len(dataset)`; it is read with all
    generators seeded from p, so that its random crop depends on nothing else.

    Args:
        dataset: with a length, and items that are tensors. If it has `weights`, images are drawn by them, and
            some may come twice in a pass.
        seed: of orders and crops.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        if len(dataset) == 0:
            raise ConfigurationError("Expected training images, found an empty data set.")
        self.dataset, self.seed = dataset, seed
        self._pass, self._order = -1, torch.empty(0, dtype=torch.int64)

    def __getitem__(self, position: int) -> Any:
        number, offset = divmod(position, len(self.dataset))
        if number != self._pass:
            generator = torch.Generator().manual_seed(seed_for(self.seed, "order", number))
            self._pass, self._order = number, self._drawn(generator)
        seed_everything(self.seed, "image", position)
        return self.dataset[int(self._order[offset])]

    def _drawn(self, generator: torch.Generator) -> Tensor:
        """The order of a pass: every image once, or as often as weights make them come."""
        weights: Tensor | None = getattr(self.dataset, "weights", None)
        if weights is None:
            return torch.randperm(len(self.dataset), generator=generator)
        return torch.multinomial(weights, len(self.dataset), replacement=True, generator=generator)


class Positions(Sampler[list[int]]):
    """Which items of a stream each part of this process's steps takes, from a step on, without end.

    Args:
        start: number of steps already made.
        batch: items a step, over all processes.
        part: items a part, see `latentpress.training.engine.parts_of_a_step`.
        processes: this process among those of the run.
    """

    def __init__(self, start: int, batch: int, part: int, processes: Processes) -> None:
        self.start, self.batch, self.part, self.processes = start, batch, part, processes

    def __iter__(self) -> Iterator[list[int]]:
        parts = range(self.processes.rank, self.batch // self.part, self.processes.count)
        for step in count(self.start):
            for number in parts:
                first = step * self.batch + number * self.part
                yield list(range(first, first + self.part))


class SeededStream(IterableDataset[Any]):
    """Passes over a stream, each item read with all generators seeded from the pass and its place in it.

    Args:
        dataset: the stream, which a worker of a DataLoader reads its share of.
        seed: of what is drawn while items are read.
        rank: of this process.
        number: of the first pass. A stream with `set_epoch` is told it.
    """

    def __init__(self, dataset: Any, seed: int, rank: int, number: int) -> None:
        self.dataset, self.seed, self.rank, self.number = dataset, seed, rank, number
        if hasattr(dataset, "set_epoch"):
            dataset.set_epoch(number)

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        reader = (self.rank, 0 if worker is None else worker.id)
        number, self.number = self.number, self.number + 1
        items = iter(self.dataset)
        for place in count():
            seed_everything(self.seed, "stream", *reader, number, place)
            try:
                item = next(items)
            except StopIteration:
                return
            yield item


def _leave_signals(worker: int) -> None:
    """Readers leave signals that the whole group gets to the process that trains, which cannot finish a step
    without them."""
    ignore_signals()


class StepBatches:
    """The parts of this process's batch for each step from one on, without end.

    Args:
        dataset: with a length; or a stream.
        settings: batch size and readers.
        seed: of orders and crops.
        part: crops in each part.
        processes: this process among those of the run.
        start: number of steps already made.
        place: where in a stream that was, what `place` said then. Without it a stream is read from its
            beginning, and what was trained on already is left out: nobody knows what comes where in it.

    Attributes:
        place: of a stream, the number of the present pass, and of parts before it; None where processes may
            be in different passes.
    """

    def __init__(
        self,
        dataset: Any,
        settings: DataSettings,
        seed: int,
        part: int,
        processes: Processes,
        start: int = 0,
        place: tuple[int, int] | None = None,
    ) -> None:
        self.place: tuple[int, int] | None = None
        self._parts = settings.batch_size // part // processes.count
        options: dict[str, Any] = {
            "num_workers": settings.workers,
            "pin_memory": processes.device.type == "cuda",
            "persistent_workers": settings.workers > 0,
            "worker_init_fn": _leave_signals if settings.workers else None,
        }
        if not isinstance(dataset, IterableDataset):
            positions = Positions(start, settings.batch_size, part, processes)
            self._source: Iterator[Any] = iter(
                DataLoader(ShuffledStream(dataset, seed), batch_sampler=positions, **options)
            )
            return
        self._in_step = processes.count == 1 or _length(dataset) is not None
        number, before = place if place is not None and hasattr(dataset, "set_epoch") else (0, 0)
        stream = SeededStream(dataset, seed, processes.rank, number)
        loader = DataLoader(stream, batch_size=part, drop_last=True, **options)
        self._source = islice(self._passes(loader, number, before), start * self._parts - before, None)

    def __iter__(self) -> Iterator[list[Any]]:
        return self

    def __next__(self) -> list[Any]:
        return [next(self._source) for _ in range(self._parts)]

    def _passes(self, loader: DataLoader[Any], number: int, before: int) -> Iterator[Any]:
        while True:
            self.place = (number, before) if self._in_step else None
            first = before
            for batch in loader:
                yield batch
                before += 1
            if before == first:
                raise ConfigurationError(
                    "Expected at least one batch of training images, found fewer images."
                )
            number += 1


def _length(dataset: Any) -> int | None:
    try:
        return len(dataset)
    except TypeError:
        return None


def training_images(settings: DataSettings) -> Any:
    """Random crops of the images in the settings' folder, flipped at random; (3, H, W) in [0, 1].

    Shards are read as a stream. With `frames`, tuples of so many frames that are cut and flipped alike: of
    Vimeo-90k, or of a folder laid out for `latentpress.datasets.VideoFolder`.

    Raises:
        ConfigurationError: no folder is given, or drawings are wanted among images that are not in memory.
        ImageError: the folder holds no images.
        DataError: the folder lacks its training split, or the list of its sequences.
    """
    from latentpress.datasets import ImageFolder, InMemoryCrops, ShardedImages, WithDrawings
    from latentpress.transforms import Compose, RandomHorizontalFlip, RandomScaledCrop, ToTensor

    if settings.data is None:
        raise ConfigurationError("Expected a folder of training images, found none: give one as data.")
    scales = (settings.smallest_scale, 1.0)
    if settings.drawn and (settings.frames or not settings.in_memory):
        raise ConfigurationError(
            "Expected images in memory to mix drawings with, found none: set in_memory, or leave drawn at 0."
        )
    crop = RandomScaledCrop(settings.patch_size, scales)
    transform = Compose([crop, RandomHorizontalFlip(), ToTensor()])
    if settings.data.endswith(".tar") or any(Path(settings.data).glob("*.tar")):
        return ShardedImages(settings.data, transform)
    if settings.in_memory and not settings.frames:
        crops = InMemoryCrops(settings.data, settings.patch_size, scales)
        return WithDrawings(crops, settings.patch_size, settings.drawn) if settings.drawn else crops
    if not settings.frames:
        return ImageFolder(settings.data, transform=transform, split="train")
    return sequences(settings.data, settings.frames, "train", transform)


def sequences(folder: str | Path, frames: int, split: str, transform: Any = None) -> Any:
    """Tuples of frames, each (3, H, W): of Vimeo-90k, where the folder is that and tuples are as long as its
    own, else of a folder laid out for `latentpress.datasets.VideoFolder`.

    Raises:
        DataError: the folder lacks the list of the split.
    """
    from latentpress.datasets import VideoFolder, Vimeo90kDataset

    if frames in _VIMEO_LISTS and (Path(folder) / _VIMEO_LISTS[frames]).exists():
        return Vimeo90kDataset(folder, transform, split, tuplet=frames, video=True)
    return VideoFolder(folder, transform=transform, split=split, frames=frames)


def validation_folder(data: str | Path, frames: int = 0) -> Path | None:
    """Where a folder of training images, or of sequences, holds what to validate on, if anywhere."""
    if frames:
        lists = (*(name.replace("train", "test") for name in _VIMEO_LISTS.values()), "test.list")
        return Path(data) if any((Path(data) / name).exists() for name in lists) else None
    folder = Path(data) / "test"
    return folder if folder.is_dir() else None
