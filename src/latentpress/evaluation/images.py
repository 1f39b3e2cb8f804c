"""The images that models are measured on: found in folders, read as tensors, brought back to eight bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from latentpress._files import is_empty
from latentpress._names import distinct
from latentpress.datasets.reading import IMAGE_SUFFIXES
from latentpress.errors import ImageError

_DEEP_MODES = ("I", "F")  # and I;16 in its byte orders
_UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)


@dataclass(frozen=True)
class ImageFile:
    """An image or a clip, and what results call it.

    Attributes:
        path: where it is.
        source: its path below the folder that was given, without the suffix; of a single file, its name
            without the suffix. Where that would be the same for two files of a job, the suffix stays,
            or for files of several folders the whole path does.
    """

    path: Path
    source: str


def find_images(paths: Sequence[str | Path]) -> list[ImageFile]:
    """The images that files and folders stand for, sorted within each folder; folders are searched however
    deep for files with the suffix of an image format.

    Raises:
        ImageError: a path does not exist, or a folder holds no image.
    """
    return named_apart([image for path in paths for image in _images_at(Path(path))])


def named_apart(files: Sequence[ImageFile]) -> list[ImageFile]:
    """The files with sources that differ, as names of results have to; each file once."""
    files = list(dict.fromkeys(files))
    names = distinct([file.source for file in files], [file.source + file.path.suffix for file in files])
    uses = Counter(names)
    return [
        ImageFile(file.path, name if uses[name] == 1 else _whole_path(file.path))
        for file, name in zip(files, names, strict=True)
    ]


def _whole_path(path: Path) -> str:
    return "/".join(path.resolve().parts[1:])


def _images_at(path: Path) -> list[ImageFile]:
    if path.is_file():
        return [ImageFile(path, path.stem)]
    if not path.is_dir():
        raise ImageError(f"Expected an image or a folder of images at {path}, found nothing there.")
    images = files_below(path, IMAGE_SUFFIXES)
    if not images:
        known = ", ".join(sorted(IMAGE_SUFFIXES))
        raise ImageError(f"Expected images ({known}) in the folder {path}, found none.")
    return images


def files_below(folder: Path, suffixes: Collection[str]) -> list[ImageFile]:
    """The files with one of these suffixes, in small or capital letters, however deep in a folder; sorted."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix.lower() in suffixes)
    return [ImageFile(file, file.relative_to(folder).with_suffix("").as_posix()) for file in files]


def read_image(path: str | Path) -> Tensor:
    """An image file as `(1, 3, H, W)` float32 in [0, 1]. Grey is repeated; transparency is left out.

    Raises:
        ImageError: the file is not an image that Pillow reads, or has more than eight bits a sample.
    """
    if not Path(path).is_file():
        raise ImageError(f"Expected an image at {path}, found no file.")
    if is_empty(path):
        raise ImageError(f"Expected an image at {path}, found an empty file.")
    try:
        with Image.open(path) as image:
            if image.mode in _DEEP_MODES or image.mode.startswith("I;"):
                raise ImageError(
                    f"Expected an image of eight bits a sample in {path}, found mode {image.mode}: "
                    "convert it first."
                )
            pixels = np.array(image.convert("RGB"))
    except ImageError:
        raise
    except _UNREADABLE as error:
        raise ImageError(f"Expected an image that can be read at {path}, found: {error}.") from error
    return torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0).float().div(255)


def to_eight_bits(x: Tensor) -> Tensor:
    """Values in [0, 1] as the nearest of the 256 that an eight-bit image file can hold; float32.

    Example:
        >>> to_eight_bits(torch.tensor([-0.1, 0.5, 2.0])).mul(255).tolist()
        [0.0, 128.0, 255.0]
    """
    return x.float().nan_to_num(0.0).clamp(0, 1).mul(255).round().div(255)
