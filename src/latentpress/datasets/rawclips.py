"""Runs of frames out of uncompressed video files, as a data set."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from latentpress.datasets.clips import RAW_SUFFIXES
from latentpress.datasets.rawvideo import RawVideoSequence
from latentpress.datasets.scan import scan
from latentpress.errors import ConfigurationError, DataError
from latentpress.registry import register_dataset


@register_dataset("RawVideoClips")
class RawVideoClips(Dataset[tuple[Tensor, ...]]):
    """Runs of frames of the `.yuv` and `.y4m` files below a folder; an item is a tuple of RGB frames
    `(3, H, W)` in [0, 1].

    Args:
        root: the folder.
        frames: number of frames an item.
        transform: takes the frames as one tensor `(frames, 3, H, W)`, so that all of them are cut alike.
        step: from the first frame of a run to that of the next one; by default `frames`, so that runs do not
            overlap.
        options: those of `RawVideoSequence.from_file`, for all files.

    Attributes:
        sequences: the files.
        skipped: how many files were left out because they are damaged or shorter than a run.

    Raises:
        ConfigurationError: `frames` or `step` is not positive.
        DataError: the folder is not there, or holds no video that is long enough.
    """

    def __init__(
        self,
        root: str | Path,
        frames: int = 3,
        transform: Callable[[Tensor], Tensor] | None = None,
        *,
        step: int | None = None,
        **options: Any,
    ) -> None:
        self.frames, self.step, self.transform = frames, frames if step is None else step, transform
        if self.frames < 1 or self.step < 1:
            raise ConfigurationError(f"Expected at least one frame and one step, found {frames} and {step}.")
        paths = scan(root, RAW_SUFFIXES)
        opened = [_opened(path, options) for path in paths]
        self.sequences = [sequence for sequence in opened if sequence is not None and len(sequence) >= frames]
        self.skipped = len(paths) - len(self.sequences)
        if not self.sequences:
            raise DataError(
                f"Expected .yuv or .y4m files of at least {frames} frames below {root}, "
                f"found {len(paths)} files, none of them such."
            )
        self._ends = list(accumulate((len(s) - frames) // self.step + 1 for s in self.sequences))

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        index = range(len(self))[index]
        number = bisect_right(self._ends, index)
        start = (index - (self._ends[number - 1] if number else 0)) * self.step
        sequence = self.sequences[number]
        clip = torch.stack([sequence.rgb(i) for i in range(start, start + self.frames)])
        return (clip if self.transform is None else self.transform(clip)).unbind(0)


def _opened(path: Path, options: dict[str, Any]) -> RawVideoSequence | None:
    try:
        return RawVideoSequence.from_file(path, **options)
    except DataError:
        return None
