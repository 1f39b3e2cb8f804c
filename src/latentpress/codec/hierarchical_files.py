"""Image files through a hierarchy that the caller holds, for its `compress_file` and `decompress_file`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latentpress.codec.container import DEFAULT_MAX_PIXELS, check_pixels, check_size, read_container
from latentpress.codec.disk import check_name, check_target, open_to_read, read_compressed, write_file
from latentpress.codec.files import format_of, image_bytes, open_original
from latentpress.codec.hierarchical import HierarchicalCodec
from latentpress.codec.images import image_from, picture_from
from latentpress.models.hierarchical import CodingHierarchy


def compress_file_of(
    model: CodingHierarchy, source: str | Path, target: str | Path, lmb: float | None
) -> None:
    """Compress an image file into a `.ltp` file, replacing one that exists."""
    check_name(target, "a .ltp file")
    check_target(target, True, sources=[source])
    with open_to_read(source) as file:
        image = open_original(file, str(source))
        check_pixels(image.width, image.height, DEFAULT_MAX_PIXELS)
        data = HierarchicalCodec(model).encode_picture(picture_from(image), lmb)
    write_file(target, data, overwrite=True)


def decompress_file_of(model: CodingHierarchy, source: str | Path, target: str | Path | None) -> Tensor:
    """The image (1, 3, H, W) in [0, 1] of a `.ltp` file; also written to `target`, if given."""
    if target is not None:
        check_target(target, True, sources=[source])
    with open_to_read(source) as file:
        data = read_compressed(file, str(source))
    container = read_container(data)
    check_size(container.header, len(data), DEFAULT_MAX_PIXELS)
    image = image_from(HierarchicalCodec(model).decode_picture(container))
    if target is not None:
        write_file(target, image_bytes(image, format_of(target)), overwrite=True)
    pixels = np.array(image.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255.0
