"""Images as raw planes without subsampling, which the reference software reads and writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.base import Pixels
from latentpress.transforms.functional import LUMA_WEIGHTS, rgb2ycbcr, ycbcr2rgb

MATRICES = (*LUMA_WEIGHTS, "rgb")
"""Matrices from RGB to full-range YCbCr; "rgb" keeps the planes, in the order G, B, R."""


def write_planes(pixels: Pixels, path: Path, matrix: str, bits: int) -> None:
    """Write three planes of full size, one after the other, in bytes or little-endian pairs of bytes.

    Args:
        pixels: `(H, W, 3)` RGB.
        path: file to write.
        matrix: one of `MATRICES`.
        bits: of a sample, 8 to 16.
    """
    rgb = torch.tensor(pixels).permute(2, 0, 1).double().div(255)
    planes = rgb[[1, 2, 0]] if matrix == "rgb" else rgb2ycbcr(rgb, matrix)
    samples = planes.mul(2**bits - 1).round().clamp(0, 2**bits - 1).numpy()
    path.write_bytes(samples.astype(_sample_type(bits)).tobytes())


def read_planes(
    path: Path, size: tuple[int, int], matrix: str, bits: int, stored_bits: int | None = None
) -> Pixels:
    """The pixels of one picture that `write_planes`, or a decoder, wrote.

    Args:
        path: file to read.
        size: (width, height).
        matrix, bits: as `write_planes` had them.
        stored_bits: of a sample in the file; more than `bits` where a codec shifted samples up to compute
            finer, so that white is 255 << 2 and not 1023 when 8 bits became 10. By default `bits`.

    Raises:
        ConfigurationError: the file has another size.
    """
    width, height = size
    stored_bits = bits if stored_bits is None else stored_bits
    white = (2**bits - 1) << (stored_bits - bits)
    samples = np.fromfile(path, _sample_type(stored_bits)) if path.is_file() else np.empty(0)
    if samples.size != 3 * width * height:
        raise ConfigurationError(
            f"Expected {3 * width * height} samples of a decoded picture of {width}x{height} pixels, "
            f"found {samples.size}."
        )
    planes = torch.from_numpy(samples.astype(np.float64)).reshape(3, height, width).div(white)
    rgb = planes[[2, 0, 1]] if matrix == "rgb" else ycbcr2rgb(planes, matrix)
    return rgb.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()


def _sample_type(bits: int) -> str:
    return "u1" if bits == 8 else "<u2"
