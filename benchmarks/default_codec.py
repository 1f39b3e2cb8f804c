"""Rate and distortion of the default codec against JPEG and WebP, from real files, on a folder of images.

    python benchmarks/default_codec.py ../shared/data/kodak

JPEG is libjpeg-turbo with Pillow, 4:2:0 with optimised Huffman tables, and WebP libwebp at its slowest. PSNR
is over RGB; bits per pixel and PSNR are averaged over the images before curves are compared. BD-rate is that
of the `bjontegaard` package (Akima) where the curves overlap, between 0.2 and 1.0 bpp of the anchor.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import bjontegaard
import numpy as np
import torch
from PIL import Image

import latentpress
from latentpress.evaluation.metrics import ms_ssim, psnr

BPP_RANGE = (0.2, 1.0)


class Point(NamedTuple):
    """One quality of one codec: means over the images."""

    quality: float
    bpp: float
    psnr: float
    ms_ssim: float


def with_pillow(image: Image.Image, quality: float, **options: object) -> tuple[bytes, Image.Image]:
    """The file that Pillow writes, and what it reads back."""
    file = io.BytesIO()
    image.save(file, quality=int(quality), **options)
    return file.getvalue(), Image.open(file).convert("RGB")


def with_latentpress(image: Image.Image, quality: float, **options: object) -> tuple[bytes, Image.Image]:
    """The file that the default codec writes, and what it reads back."""
    data = latentpress.compress(image, quality=quality)
    return data, latentpress.decompress(data)


CODECS: dict[str, tuple[Callable[..., tuple[bytes, Image.Image]], dict[str, object], list[int]]] = {
    "latentpress2026": (with_latentpress, {}, [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
    "jpeg": (
        with_pillow,
        {"format": "JPEG", "subsampling": "4:2:0", "optimize": True},
        [3, 5, 8, 12, 17, 24, 33, 45, 58, 70, 80],
    ),
    "webp": (with_pillow, {"format": "WEBP", "method": 6}, [0, 3, 8, 16, 27, 40, 53, 65, 75, 83, 90]),
}


def measure(path: Path, codec: str) -> list[Point]:
    """Every quality of a codec on one image."""
    torch.set_num_threads(1)
    run, options, qualities = CODECS[codec]
    image = Image.open(path).convert("RGB")
    original = as_tensor(image)
    points = []
    for quality in qualities:
        data, decoded = run(image, quality, **options)
        reconstruction = as_tensor(decoded)
        bpp = 8 * len(data) / (image.width * image.height)
        points.append(Point(quality, bpp, psnr(original, reconstruction), ms_ssim(original, reconstruction)))
    return points


def as_tensor(image: Image.Image) -> torch.Tensor:
    """RGB image -> (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].double() / 255


def curve(paths: list[Path], codec: str, jobs: int) -> list[Point]:
    """Means over the images, a point for each quality."""
    with ProcessPoolExecutor(jobs) as pool:
        per_image = list(pool.map(partial(measure, codec=codec), paths))
    return [Point(*np.mean(points, axis=0).tolist()) for points in zip(*per_image, strict=True)]


def bd_rate(anchor: list[Point], test: list[Point]) -> float:
    """How many percent more rate `test` needs than `anchor` for the same PSNR, within the range of rates."""
    low, high = BPP_RANGE
    inside = [point for point in anchor if low <= point.bpp <= high]
    return float(
        bjontegaard.bd_rate(
            [p.bpp for p in inside],
            [p.psnr for p in inside],
            [p.bpp for p in test],
            [p.psnr for p in test],
            method="akima",
            require_matching_points=False,
            min_overlap=0,  # the range of rates is chosen, not found
        )
    )


def main() -> None:
    """Print the curves and the BD-rates."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path, help="folder of PNG images")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the curves to this file")
    arguments = parser.parse_args()
    paths = sorted(arguments.images.glob("*.png"))
    curves = {codec: curve(paths, codec, arguments.jobs) for codec in CODECS}
    for codec, points in curves.items():
        print(f"\n{codec}, mean of {len(paths)} images\nquality     bpp    PSNR  MS-SSIM")
        for point in points:
            print(f"{point.quality:7g} {point.bpp:7.3f} {point.psnr:7.2f} {point.ms_ssim:8.4f}")
    print(f"\nBD-rate of latentpress2026, PSNR, {BPP_RANGE[0]} to {BPP_RANGE[1]} bpp of the anchor")
    for anchor in ("jpeg", "webp"):
        print(f"against {anchor}: {bd_rate(curves[anchor], curves['latentpress2026']):+.1f} %")
    if arguments.json is not None:
        rows = {codec: [point._asdict() for point in points] for codec, points in curves.items()}
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
