"""Published sets by name: `ImageFolder`s that know where their images lie and how many there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from latentpress.datasets.catalogue import collection
from latentpress.datasets.folder import ImageFolder, Transform
from latentpress.errors import ConfigurationError, DataError, ImageError
from latentpress.registry import register_dataset


class _PublishedImages(ImageFolder):
    """The images of a set in the catalogue, in a folder of its name or in a folder of them alone."""

    def __init__(
        self, name: str, root: str | Path, transform: Transform | None, below: str = "", **options: Any
    ) -> None:
        record = collection(name)
        home = Path(root) / name if (Path(root) / name).is_dir() else Path(root)
        remedy = f"fetch them with `latentpress data download {name}`"
        try:
            super().__init__(home / below, transform, split="", **options)
        except ImageError as error:
            raise DataError(
                f"Expected {record.title} in {home / below}, found no images: {remedy}."
            ) from error
        if not below and len(self) != record.images:
            raise DataError(
                f"Expected the {record.images} images of {record.title} in {home}, "
                f"found {len(self)}: {remedy}."
            )


@register_dataset("Kodak")
class Kodak(_PublishedImages):
    """The 24 photographs of the Kodak set, 768x512 or 512x768. For evaluation: never train on them.

    Args:
        root: a folder that holds them alone, or holds them in a folder `kodak`.
        transform: takes an RGB PIL image; what it returns is the item. None returns the image.

    Raises:
        DataError: they are not there, or not all of them.
    """

    def __init__(self, root: str | Path, transform: Transform | None = None) -> None:
        super().__init__("kodak", root, transform)


@register_dataset("Tecnick")
class Tecnick(_PublishedImages):
    """The 100 images of 1200x1200 pixels of Tecnick's TESTIMAGES.

    Args:
        root: a folder that holds them alone, or holds them in a folder `tecnick`.
        transform: takes an RGB PIL image; what it returns is the item. None returns the image.

    Raises:
        DataError: they are not there, or not all of them.
    """

    def __init__(self, root: str | Path, transform: Transform | None = None) -> None:
        super().__init__("tecnick", root, transform)


@register_dataset("CLIC")
class CLIC(_PublishedImages):
    """The photographs of the Workshop and Challenge on Learned Image Compression, 2020.

    Args:
        root: a folder that holds a split alone, or holds it in a folder `clic-SPLIT`.
        transform: takes an RGB PIL image; what it returns is the item. None returns the image.
        split: "train", "valid" or "test".
        subset: "professional" or "mobile"; both by default.
        reduce_to: see `ImageFolder`.

    Raises:
        ConfigurationError: there is no such split or subset.
        DataError: the images are not there, or not all of them.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform | None = None,
        split: str = "train",
        subset: str | None = None,
        *,
        reduce_to: int | None = None,
    ) -> None:
        if split not in ("train", "valid", "test") or subset not in (None, "professional", "mobile"):
            raise ConfigurationError(
                "Expected a split of train, valid and test, and a subset of professional and mobile, "
                f"found {split!r} and {subset!r}."
            )
        super().__init__(f"clic-{split}", root, transform, subset or "", reduce_to=reduce_to)


@register_dataset("COCO")
class COCO(ImageFolder):
    """The photographs of Microsoft COCO (Lin et al., ECCV 2014); annotations are not looked at.

    Args:
        root: folder with `train2017/`, or with `images/train2017/`.
        transform: takes an RGB PIL image; what it returns is the item. None returns the image.
        split: "train", "val", "test" or "unlabeled".
        year: of the split.
        reduce_to, cache: see `ImageFolder`.

    Raises:
        ImageError: the images are not there.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform | None = None,
        split: str = "train",
        *,
        year: int = 2017,
        reduce_to: int | None = None,
        cache: bool | str | Path | None = None,
    ) -> None:
        images = Path(root) / "images"
        folder = (images if images.is_dir() else Path(root)) / f"{split}{year}"
        super().__init__(folder, transform, split="", reduce_to=reduce_to, cache=cache)
