"""Image files in and out of a hierarchy, for its `compress_file` and `decompress_file`."""

from os import PathLike
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from latentpress.errors import ImageError

AnyPath = str | PathLike[str]


def read_image(path: AnyPath) -> Tensor:
    """The image in a file as RGB, (1, 3, H, W) in [0, 1].

    Raises:
        ImageError: the file cannot be read as an image.
    """
    try:
        with Image.open(path) as image:
            pixels = np.array(image.convert("RGB"))
    except (OSError, ValueError) as error:
        raise ImageError(f"Expected an image file at {path}, found: {error}.") from error
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255.0


def write_image(x: Tensor, path: AnyPath) -> None:
    """Write an image (1, 3, H, W) in [0, 1] in the format that the path's suffix says.

    Raises:
        ImageError: the file cannot be written.
    """
    pixels = x[0].clamp(0.0, 1.0).mul(255.0).round().byte().permute(1, 2, 0).cpu().contiguous().numpy()
    try:
        Image.fromarray(pixels).save(Path(path))
    except (OSError, ValueError) as error:
        raise ImageError(f"The image {path} cannot be written: {error}.") from error


def padded(x: Tensor, factor: int) -> Tensor:
    """Images (N, 3, H, W) padded right and bottom to multiples of `factor` by repeating the edge."""
    height, width = x.shape[2:]
    return F.pad(x, (0, -width % factor, 0, -height % factor), mode="replicate")
