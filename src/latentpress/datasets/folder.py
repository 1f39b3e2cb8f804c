"""Folders of images as data sets, in which files that cannot be read are replaced and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.data import Dataset

from latentpress.datasets.reading import IMAGE_SUFFIXES, UNREADABLE, open_rgb
from latentpress.datasets.scan import scan
from latentpress.errors import DataError, ImageError
from latentpress.registry import register_dataset

Transform = Callable[[Image.Image], Any]

SPLITS = ("train", "valid", "val", "test")
_MOST_IN_A_ROW = 100


class ImageFiles(Dataset[Any]):
    """Images by their paths.

    A file that cannot be read is replaced by the next one that can, always the same, and marked, so that
    `skipped` counts it once, whichever process or pass meets it.

    Args:
        paths: of the images.
        transform: takes an RGB PIL image; what it returns is the item. None returns the image.
        reduce_to: decode JPEGs at a half, a quarter or an eighth of their size as long as the shorter side
            has so many pixels. For transforms that scale down.
    """

    def __init__(
        self, paths: Sequence[Path], transform: Transform | None = None, *, reduce_to: int | None = None
    ) -> None:
        self.paths, self.transform, self.reduce_to = paths, transform, reduce_to
        self._unreadable = torch.zeros(len(paths), dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        """The item of an image, or of its substitute.

        Raises:
            ImageError: neither this image nor any of the hundred after it can be read.
        """
        image = self._readable(range(len(self))[index])
        return image if self.transform is None else self.transform(image)

    def _readable(self, index: int) -> Image.Image:
        for step in range(min(_MOST_IN_A_ROW, len(self))):
            place = (index + step) % len(self)
            if self._unreadable[place]:
                continue
            try:
                return open_rgb(self.paths[place], self.reduce_to)
            except UNREADABLE:
                self._unreadable[place] = True
        raise ImageError(
            f"Expected images that can be read, found none in {min(_MOST_IN_A_ROW, len(self))} files from "
            f"{self.paths[index]} on: check that the folder is the right one and was copied whole."
        )

    @property
    def skipped(self) -> int:
        """How many files could not be read so far, over all processes that read this data set."""
        return int(self._unreadable.sum())

    def unreadable_paths(self) -> list[Path]:
        """The files that could not be read so far."""
        return [self.paths[index] for index in self._unreadable.nonzero().flatten().tolist()]


@register_dataset("ImageFolder")
class ImageFolder(ImageFiles):
    """The images below a folder, or below the one of its subfolders that a split names:

        root/train/img000.png        root/img000.png
        root/train/more/img001.png   root/more/img001.png
        root/test/img000.png

    Args:
        root: the folder.
        transform: takes an RGB PIL image; what it returns is the item. None returns the image.
        split: subfolder to take. A folder without any of the subfolders train, valid, val and test is flat:
            all of it is taken, whatever the split. "" takes all of any folder.
        reduce_to: decode JPEGs at a half, a quarter or an eighth of their size as long as the shorter side
            has so many pixels. For transforms that scale down.
        cache: whether to remember what the folder holds, in the user's cache directory; by default, large
            folders are. A path is the file to remember it in instead.

    Raises:
        ImageError: there is no such folder, or no image in it.
        DataError: the folder has splits, but not this one.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> from latentpress.datasets import ImageFolder
        >>> from latentpress.transforms import ToTensor
        >>> folder = tempfile.TemporaryDirectory()
        >>> Image.new("RGB", (8, 6)).save(f"{folder.name}/black.png")
        >>> tuple(ImageFolder(folder.name, transform=ToTensor())[0].shape)
        (3, 6, 8)
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform | None = None,
        split: str = "train",
        *,
        reduce_to: int | None = None,
        cache: bool | str | Path | None = None,
    ) -> None:
        folder = split_folder(root, split)
        paths = scan(folder, IMAGE_SUFFIXES, cache)
        if not paths:
            known = ", ".join(sorted(IMAGE_SUFFIXES))
            raise ImageError(f"Expected images ({known}) in the folder {folder}, found none.")
        super().__init__(paths, transform, reduce_to=reduce_to)


def split_folder(root: str | Path, split: str) -> Path:
    """Where a split of a folder of images lies; see `ImageFolder`.

    Raises:
        ImageError: there is no such folder.
        DataError: the folder has splits, but not this one.
    """
    root = Path(root)
    if not root.is_dir():
        raise ImageError(f"Expected a folder of images at {root}, found no folder there.")
    if not split or (root / split).is_dir():
        return root / split
    present = [name for name in SPLITS if (root / name).is_dir()]
    if present:
        raise DataError(
            f"Expected a split that the folder {root} has ({', '.join(present)}), found {split!r}."
        )
    return root
