"""Folders of images as data sets, in which files that cannot be read are replaced and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from latentpress.datasets.reading import IMAGE_SUFFIXES, open_rgb
from latentpress.datasets.scan import scan
from latentpress.datasets.substitution import SubstitutingDataset
from latentpress.errors import DataError, ImageError
from latentpress.registry import register_dataset

Transform = Callable[[Image.Image], Any]

SPLITS = ("train", "valid", "val", "test")


class ImageFiles(SubstitutingDataset):
    """Images by their paths. A file that cannot be read is replaced by the next one that can, and counted.

    Args:
        paths: of the images.
        transform: takes an RGB PIL image; what it returns is the item. None returns the image.
        reduce_to: decode JPEGs at a half, a quarter or an eighth of their size as long as the shorter side
            has so many pixels. For transforms that scale down.
    """

    def __init__(
        self, paths: Sequence[Path], transform: Transform | None = None, *, reduce_to: int | None = None
    ) -> None:
        super().__init__(len(paths))
        self.paths, self.transform, self.reduce_to = paths, transform, reduce_to

    def _load(self, index: int) -> Image.Image:
        return open_rgb(self.paths[index], self.reduce_to)

    def _source(self, index: int) -> Path:
        return self.paths[index]

    def _finish(self, loaded: Image.Image) -> Any:
        return loaded if self.transform is None else self.transform(loaded)


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
