"""Short runs of frames that are stored as images: Vimeo-90k, and folders laid out like it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentpress.datasets.folder import Transform
from latentpress.datasets.reading import IMAGE_SUFFIXES, open_rgb
from latentpress.datasets.substitution import SubstitutingDataset
from latentpress.errors import ConfigurationError, DataError
from latentpress.registry import register_dataset
from latentpress.transforms import ToTensor

FramesTransform = Callable[[np.ndarray], Tensor]

_TUPLETS = {3: "tri", 7: "sep"}
_LISTS = {"train": "trainlist", "valid": "testlist", "test": "testlist"}
_LONGEST_INTERVAL = 3


def read_frames(paths: Sequence[Path]) -> np.ndarray:
    """Images of one size as one array `(H, W, 3 * len(paths))` of uint8, so that they are cut as one."""
    frames = [np.asarray(open_rgb(path)) for path in paths]
    if len({frame.shape for frame in frames}) > 1:
        raise ValueError(f"expected frames of one size, found {[frame.shape[:2] for frame in frames]}")
    return np.concatenate(frames, axis=2)


def split_frames(stack: np.ndarray, transform: FramesTransform | None, count: int) -> tuple[Tensor, ...]:
    """An array of frames, transformed as one, as `count` tensors `(3, H, W)`."""
    x = (ToTensor() if transform is None else transform)(stack)
    if not isinstance(x, Tensor) or x.dim() != 3 or x.shape[0] != 3 * count:
        found = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ConfigurationError(
            f"Expected a transform that makes a tensor ({3 * count}, H, W) of {count} frames, found {found}: "
            "end it with latentpress.transforms.ToTensor()."
        )
    return x.chunk(count)


@register_dataset("Vimeo90kDataset")
class Vimeo90kDataset(SubstitutingDataset):
    """Vimeo-90k: Xue et al., "Video Enhancement with Task-Oriented Flow", IJCV 2019.

        root/tri_trainlist.txt
        root/tri_testlist.txt          (sep_... in the septuplet set)
        root/sequences/00001/0001/im1.png
        root/sequences/00001/0001/im2.png
        root/sequences/00001/0001/im3.png

    Every frame is an item, or, with `video=True`, every tuplet. An item with a frame that cannot be read is
    replaced by the next one, and counted in `skipped`.

    Args:
        root: folder of the set.
        transform: for frames: takes an RGB PIL image; what it returns is the item. For tuplets: takes the
            frames as one array `(H, W, 3 * tuplet)` of uint8 and makes a tensor of it; None does only that.
        split: "train", or "valid" or "test", which are the same.
        tuplet: frames in a tuplet: 3 (the triplet set) or 7 (the septuplet set).
        video: give tuples of `tuplet` tensors `(3, H, W)` instead of single frames.

    Raises:
        ConfigurationError: there is no such split or tuplet.
        DataError: the list of the split is not there, or is empty.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform | FramesTransform | None = None,
        split: str = "train",
        tuplet: int = 3,
        *,
        video: bool = False,
    ) -> None:
        if tuplet not in _TUPLETS or split not in _LISTS:
            raise ConfigurationError(
                f"Expected a split of {', '.join(_LISTS)} and a tuplet of 3 or 7, "
                f"found {split!r} and {tuplet!r}."
            )
        self.root, self.transform, self.tuplet, self.video = Path(root), transform, tuplet, video
        self._names = _listed(self.root / f"{_TUPLETS[tuplet]}_{_LISTS[split]}.txt")
        self._folder = _sequences(self.root)
        super().__init__(len(self._names) * (1 if video else tuplet))

    def _load(self, index: int) -> Any:
        return read_frames(self._source(index)) if self.video else open_rgb(self._source(index)[0])

    def _source(self, index: int) -> list[Path]:
        if self.video:
            folder, numbers = self._folder / self._names[index], range(1, self.tuplet + 1)
        else:
            folder = self._folder / self._names[index // self.tuplet]
            numbers = range(index % self.tuplet + 1, index % self.tuplet + 2)
        return [folder / f"im{number}.png" for number in numbers]

    def _finish(self, loaded: Any) -> Any:
        transform: Any = self.transform
        if self.video:
            return split_frames(loaded, transform, self.tuplet)
        return loaded if transform is None else transform(loaded)


@register_dataset("VideoFolder")
class VideoFolder(SubstitutingDataset):
    """Runs of frames out of longer sequences that are stored as images:

        root/train.list                 one folder below sequences/ a line
        root/test.list
        root/sequences/00010/0932/im1.png

    An item is a tuple of frames, tensors `(3, H, W)`, from the start of a sequence. One that cannot be read
    is replaced by the next, and counted in `skipped`. Random choices are drawn from torch's global generator.

    Args:
        root: folder of the set.
        rnd_interval: take every frame, every second or every third, at random as far as the sequence is long
            enough, instead of every frame.
        rnd_temp_order: turn time around in half of the cases.
        transform: takes the frames as one array `(H, W, 3 * frames)` of uint8, so that all of them are cut
            alike, and makes a tensor of it; None only makes the tensor.
        split: "train" or "test", or the name of another list.
        frames: number of frames an item.

    Raises:
        ConfigurationError: `frames` is not positive.
        DataError: the list of the split is not there, or is empty.
    """

    def __init__(
        self,
        root: str | Path,
        rnd_interval: bool = False,
        rnd_temp_order: bool = False,
        transform: FramesTransform | None = None,
        split: str = "train",
        *,
        frames: int = 3,
    ) -> None:
        if frames < 1:
            raise ConfigurationError(f"Expected at least one frame an item, found {frames}.")
        self.root, self.transform, self.frames = Path(root), transform, frames
        self.rnd_interval, self.rnd_temp_order = rnd_interval, rnd_temp_order
        self._names = _listed(self.root / f"{split}.list")
        self._folder = _sequences(self.root)
        super().__init__(len(self._names))

    def _load(self, index: int) -> np.ndarray:
        folder = self._source(index)
        paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
        if len(paths) < self.frames:
            raise ValueError(f"expected at least {self.frames} frames in {folder}, found {len(paths)}")
        chosen = sorted(paths, key=_number)[:: self._interval(len(paths))][: self.frames]
        if self.rnd_temp_order and torch.rand(()).item() < 0.5:
            chosen.reverse()
        return read_frames(chosen)

    def _interval(self, available: int) -> int:
        if not self.rnd_interval or self.frames == 1:
            return 1
        longest = min(_LONGEST_INTERVAL, (available - 1) // (self.frames - 1))
        return int(torch.randint(1, longest + 1, ()).item())

    def _source(self, index: int) -> Path:
        return self._folder / self._names[index]

    def _finish(self, loaded: np.ndarray) -> tuple[Tensor, ...]:
        return split_frames(loaded, self.transform, self.frames)


def _listed(path: Path) -> list[str]:
    """The lines of a list that are not empty."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Expected the list of a split at {path}, found: {error}.") from error
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise DataError(f"Expected folders of frames in the list {path}, found none.")
    return names


def _sequences(root: Path) -> Path:
    for name in ("sequences", "sequence"):
        if (root / name).is_dir():
            return root / name
    raise DataError(f"Expected a folder of frames at {root / 'sequences'}, found no folder there.")


def _number(path: Path) -> tuple[int, str]:
    """Frames come in the order of the last number in their names."""
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]) if numbers else -1, path.name)
