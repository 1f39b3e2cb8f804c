"""One picture from a file or from bytes, ready for a transform."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

# What Pillow raises for damaged files of one format or another.
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    struct.error,
    Image.DecompressionBombError,
)


def open_rgb(source: str | Path | IO[bytes], reduce_to: int | None = None) -> Image.Image:
    """The picture, decoded, as eight-bit RGB. Grey is repeated; transparency is left out; sixteen-bit grey is
    brought down to eight bits.

    Args:
        source: a file, or its bytes as a file object.
        reduce_to: decode a JPEG at a half, a quarter or an eighth of its size if the shorter side then still
            has so many pixels. That takes a fraction of the time, and is as good where the picture is scaled
            down afterwards.

    Raises:
        One of UNREADABLE: the file is missing, damaged, or no image.
    """
    with Image.open(source) as image:
        if reduce_to is not None:
            image.draft(None, (reduce_to, reduce_to))
        if image.mode.startswith("I;16"):
            return Image.fromarray((np.asarray(image) // 257).astype(np.uint8)).convert("RGB")
        if image.mode in ("I", "F"):
            raise ValueError(f"expected eight or sixteen bits a sample, found mode {image.mode}")
        return image.convert("RGB")
