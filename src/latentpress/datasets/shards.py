"""Reading shards: images out of tar files, one after the other, for sets larger than a disk. The layout is
WebDataset's; nothing in a shard is run or unpickled."""

from __future__ import annotations

import io
import random
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import torch
from torch.utils.data import IterableDataset, get_worker_info

from latentpress.datasets.folder import Transform
from latentpress.datasets.reading import IMAGE_SUFFIXES, UNREADABLE, open_rgb
from latentpress.datasets.sharding import ShardIndex
from latentpress.errors import ConfigurationError, DataError
from latentpress.registry import register_dataset

Item = TypeVar("Item")

_LARGEST_IMAGE = 1 << 30  # bytes; what a header claims beyond this is not believed
_MOST_WORKERS = 1024


@register_dataset("ShardedImages")
class ShardedImages(IterableDataset[Any]):
    """The images in a set of shards, in an order that follows from the seed and the pass.

    Shards are shuffled and dealt out to processes and their workers; where there are fewer shards than
    readers, images are dealt out instead. Each reader then shuffles images within a window. Images that
    cannot be read are left out and counted in `skipped`; a shard that is damaged is read up to the damage,
    and is listed in `damaged()`.

    With several processes and an index beside the shards, every process gets the same number of images a
    pass, for which some may begin their shards again.

    Args:
        shards: a folder of `.tar` files, a pattern such as `train-{000..146}.tar`, or a list of files.
        transform: takes an RGB PIL image; what it returns is the item. None returns the image.
        shuffle: how many encoded images a reader holds to draw the next one from; 0 keeps the order of files
            and images.
        seed: of the order.
        rank, world_size: of this process among those that read; by default, torch.distributed's.
        reduce_to: decode JPEGs at a half, a quarter or an eighth of their size as long as the shorter side
            has so many pixels.

    Raises:
        DataError: there are no shards, one of a list is missing, or the index is damaged.
        ConfigurationError: the rank or the window does not make sense.
    """

    def __init__(
        self,
        shards: str | Path | Sequence[str | Path],
        transform: Transform | None = None,
        *,
        shuffle: int = 1000,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        reduce_to: int | None = None,
    ) -> None:
        self.paths, index = find_shards(shards)
        self.transform, self.shuffle, self.seed, self.reduce_to = transform, shuffle, seed, reduce_to
        self.rank, self.world_size = _place(rank, world_size)
        if shuffle < 0:
            raise ConfigurationError(f"Expected a window of 0 images or more to shuffle in, found {shuffle}.")
        self.images = None if index is None else index.images
        self._passes = 0
        self._first_pass = torch.zeros((), dtype=torch.int64).share_memory_()
        self._skipped = torch.zeros(_MOST_WORKERS, dtype=torch.int64).share_memory_()
        self._damaged = torch.zeros(len(self.paths), dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        """Images a pass of this process; a TypeError, as of any stream, where no index says how many."""
        if self.images is None:
            raise TypeError("the number of images is not known without an index.json beside the shards")
        return self.images // self.world_size

    @property
    def skipped(self) -> int:
        """How many images could not be read so far, over all workers and passes."""
        return int(self._skipped.sum())

    def damaged(self) -> list[str]:
        """The shards that could not be read to their end so far."""
        return [str(self.paths[index]) for index in self._damaged.nonzero().flatten().tolist()]

    def set_epoch(self, epoch: int) -> None:
        """Make the next pass number `epoch`. Passes count on by themselves as long as the same object, or the
        same worker of a DataLoader with `persistent_workers`, is read again."""
        self._first_pass.fill_(epoch)
        self._passes = 0

    def __iter__(self) -> Iterator[Any]:
        """One pass.

        Raises:
            DataError: none of the images that fell to this reader can be read.
        """
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        number = int(self._first_pass) + self._passes
        self._passes += 1
        encoded = self._encoded(number, self.rank * workers + worker, self.world_size * workers)
        share = self._share(worker, workers)
        if self.shuffle:
            generator = random.Random(f"{self.seed} {number} {self.rank} {worker}")
            # What comes after the share stands in for images that cannot be read.
            encoded = chain(shuffled(islice(encoded, share), self.shuffle, generator), encoded)
        return islice(self._decoded(encoded, worker % _MOST_WORKERS), share)

    def _share(self, worker: int, workers: int) -> int | None:
        """How many images a worker gives, where processes must give equally many."""
        if self.world_size == 1 or self.images is None:
            return None
        return len(range(worker, len(self), workers))

    def _encoded(self, number: int, reader: int, readers: int) -> Iterator[bytes]:
        """The encoded images of a pass that fall to a reader; again and again if processes must give equally
        many."""
        order = list(range(len(self.paths)))
        if self.shuffle:
            random.Random(f"{self.seed} {number}").shuffle(order)
        whole = len(order) >= readers  # every reader has shards of its own
        mine = order[reader::readers] if whole else order
        endless = self.world_size > 1 and self.images is not None
        while True:
            found = False
            images: Iterable[bytes] = chain.from_iterable(self._members(shard) for shard in mine)
            for image in images if whole else islice(images, reader, None, readers):
                found = True
                yield image
            if not endless or not found:
                return

    def _members(self, shard: int) -> Iterator[bytes]:
        try:
            with tarfile.open(self.paths[shard], mode="r|*") as tar:
                for member in tar:
                    if not member.isfile() or PurePosixPath(member.name).suffix.lower() not in IMAGE_SUFFIXES:
                        continue
                    if member.size > _LARGEST_IMAGE:
                        raise tarfile.ReadError(f"{member.name} claims to have {member.size} bytes")
                    contents = tar.extractfile(member)
                    if contents is not None:
                        yield contents.read()
        except (tarfile.TarError, OSError, EOFError, ValueError):
            self._damaged[shard] = True

    def _decoded(self, encoded: Iterator[bytes], worker: int) -> Iterator[Any]:
        nothing, failures = True, 0
        for data in encoded:
            try:
                image = open_rgb(io.BytesIO(data), self.reduce_to)
            except UNREADABLE:
                self._skipped[worker] += 1
                failures += 1
                if nothing and self.images is not None and failures > self.images:
                    break  # not one in a whole round of shards that would begin again
                continue
            nothing = False
            yield image if self.transform is None else self.transform(image)
        if nothing and (self._damaged.any() or self._skipped[worker]):
            raise DataError(
                f"Expected images that can be read in {self.paths[0]} and the other shards, found none: "
                "check them with `latentpress data verify`."
            )


def shuffled(items: Iterator[Item], window: int, generator: random.Random) -> Iterator[Item]:
    """The items, each drawn from a window of the next `window` ones."""
    held = list(islice(items, window))
    for item in items:
        place = generator.randrange(len(held))
        held[place], item = item, held[place]
        yield item
    generator.shuffle(held)
    yield from held


def find_shards(shards: str | Path | Sequence[str | Path]) -> tuple[list[Path], ShardIndex | None]:
    """The files that a folder, a pattern or a list stands for, and the index of a folder that has one."""
    if not isinstance(shards, (str, Path)):
        paths, index = [Path(shard) for shard in shards], None
    elif Path(shards).is_dir():
        index = ShardIndex.read(Path(shards))
        names = None if index is None else [shard.name for shard in index.shards]
        paths = (
            sorted(Path(shards).glob("*.tar")) if names is None else [Path(shards, name) for name in names]
        )
    else:
        paths, index = [Path(path) for path in expanded(str(shards))], None
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        found = f"no file at {missing[0]}" if missing else "none"
        raise DataError(f"Expected shards (.tar) at {shards}, found {found}.")
    return paths, index


def expanded(pattern: str) -> list[str]:
    """What a pattern with ranges in braces stands for.

    Example:
        >>> from latentpress.datasets.shards import expanded
        >>> expanded("train-{08..10}.tar")
        ['train-08.tar', 'train-09.tar', 'train-10.tar']
    """
    braces = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if braces is None:
        return [pattern]
    first, last = braces[1], braces[2]
    before, after = pattern[: braces.start()], pattern[braces.end() :]
    numbers = (f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))
    return [before + number + rest for number in numbers for rest in expanded(after)]


def _place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    if rank is None and world_size is None:
        distributed = torch.distributed
        if distributed.is_available() and distributed.is_initialized():
            return distributed.get_rank(), distributed.get_world_size()
        return 0, 1
    rank, world_size = rank or 0, world_size or 1
    if not 0 <= rank < world_size:
        raise ConfigurationError(
            f"Expected a rank below the number of processes, found {rank} of {world_size}."
        )
    return rank, world_size
