"""Stores files of a small hierarchy, and what decodes from them: see README.md."""

import hashlib
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

from latentpress.codec import Picture
from latentpress.codec.hierarchical import HierarchicalCodec
from latentpress.models.hierarchical import FIXED_POINT, FLOAT32, QARV

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "hierarchical"))
from small_hierarchies import SMALL_QARV, output_of  # noqa: E402

ARITHMETICS = (FLOAT32, FIXED_POINT)
FACTS = HERE / "hierarchy.json"
LMB = 333.3


def file_of(arithmetic: str) -> Path:
    """Where the file in an arithmetic is stored."""
    return HERE / f"hierarchy-{arithmetic}.ltp"


def noise(count: int, seed: int) -> np.ndarray:
    """Numbers from -1 to 1 that no library's random generator has a say in, (count,) float32."""
    mixed = (np.arange(count, dtype=np.uint64) + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return ((mixed >> np.uint64(41)).astype(np.float32) / 2.0**22) - 1.0


def codec() -> HierarchicalCodec:
    """A small QARV whose weights are the same everywhere."""
    model = QARV(SMALL_QARV)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = torch.from_numpy(noise(parameter.numel(), zlib.crc32(name.encode()))).view_as(parameter)
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
            parameter.copy_(
                0.3 + 0.05 * values if name.endswith("gamma") else 2.0 * values / max(fan_in, 4) ** 0.5
            )
    model.compress_mode()
    return HierarchicalCodec(model, "small-qarv")


def picture() -> Picture:
    """An image with a gradient, and blocks of noise."""
    blocks = noise(16 * 24 * 3, 1).reshape(16, 24, 3).repeat(6, 0).repeat(6, 1)
    ramp = np.linspace(-1.0, 1.0, 144, dtype=np.float32)[:, None]
    return Picture(np.round(127.5 + 80 * ramp + 40 * blocks).astype(np.uint8))


def output_digest(file: bytes) -> str:
    """SHA-256 of the network's output as a file decodes."""
    return hashlib.sha256(output_of(codec(), file).astype("<f4").tobytes()).hexdigest()


if __name__ == "__main__":
    for arithmetic in ARITHMETICS:
        file_of(arithmetic).write_bytes(codec().encode_picture(picture(), LMB, arithmetic))
    facts = {arithmetic: output_digest(file_of(arithmetic).read_bytes()) for arithmetic in ARITHMETICS}
    FACTS.write_text(json.dumps(facts, indent=1) + "\n")
