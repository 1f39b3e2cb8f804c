"""Data sets that go on where an item cannot be read."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch.utils.data import Dataset

from latentpress.datasets.reading import UNREADABLE
from latentpress.errors import ImageError

_MOST_IN_A_ROW = 100


class SubstitutingDataset(Dataset[Any]):
    """Items by number, of which some may turn out to be unreadable.

    Such an item is replaced by the next one that can be read, always the same, and marked, so that `skipped`
    counts it once, whichever process or pass meets it.

    Args:
        count: number of items.
    """

    def __init__(self, count: int) -> None:
        self._unreadable = torch.zeros(count, dtype=torch.bool).share_memory_()

    @abstractmethod
    def _load(self, index: int) -> Any:
        """Item `index`; one of UNREADABLE is raised where it cannot be read."""

    @abstractmethod
    def _source(self, index: int) -> object:
        """What item `index` is read from, for people."""

    def _finish(self, loaded: Any) -> Any:
        """What becomes of a loaded item; errors in here are not taken for unreadable files."""
        return loaded

    def __len__(self) -> int:
        return len(self._unreadable)

    def __getitem__(self, index: int) -> Any:
        """An item, or its substitute.

        Raises:
            ImageError: neither this item nor any of the hundred after it can be read.
        """
        return self._finish(self._readable(range(len(self))[index]))

    def _readable(self, index: int) -> Any:
        tries = min(_MOST_IN_A_ROW, len(self))
        for step in range(tries):
            place = (index + step) % len(self)
            if self._unreadable[place]:
                continue
            try:
                return self._load(place)
            except UNREADABLE:
                self._unreadable[place] = True
        raise ImageError(
            f"Expected images that can be read, found none in {tries} items from {self._source(index)} on: "
            "check that the folder is the right one and was copied whole."
        )

    @property
    def skipped(self) -> int:
        """How many items could not be read so far, over all processes that read this data set."""
        return int(self._unreadable.sum())

    def unreadable(self) -> list[str]:
        """The items that could not be read so far, by what they are read from."""
        return [str(self._source(index)) for index in self._unreadable.nonzero().flatten().tolist()]
