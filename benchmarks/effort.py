"""What effort buys: real files of the default codec at several efforts, against the networks alone.

    python benchmarks/effort.py ../shared/data/kodak --efforts 5 9 --limit 4

Prints, for each effort, the BD-rate against effort 1 (PCHIP, PSNR over R, G and B of the decoded files, means
over the images) and the seconds that a megapixel takes to compress.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import latentpress
from latentpress.datasets.reading import open_rgb
from latentpress.evaluation import find_images
from latentpress.report import Curve, bd_rate

QUALITIES = (10, 30, 50, 70)


def psnr(original: Image.Image, decoded: Image.Image) -> float:
    """In dB, over R, G and B."""
    error = np.asarray(original, dtype=np.float64) - np.asarray(decoded.convert("RGB"), dtype=np.float64)
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def measured(images: list[Image.Image], effort: int) -> tuple[Curve, float]:
    """Means over the images at each quality, and the seconds of a megapixel."""
    points, seconds, pixels = [], 0.0, 0
    for quality in QUALITIES:
        rates, values = [], []
        for image in images:
            begun = time.perf_counter()
            data = latentpress.compress(image, quality=quality, effort=effort)
            seconds += time.perf_counter() - begun
            pixels += image.width * image.height
            rates.append(8 * len(data) / (image.width * image.height))
            values.append(psnr(image, latentpress.decompress(data)))
        points.append((float(np.mean(rates)), float(np.mean(values))))
    return Curve("PSNR", "psnr-rgb", points), seconds / pixels * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("--efforts", type=int, nargs="+", default=[3, 5, 7, 9])
    parser.add_argument("--limit", type=int, help="take every n-th image, so that there are so many")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    paths = [found.path for found in find_images([options.images])]
    step = 1 if options.limit is None else max(1, len(paths) // options.limit)
    images = [open_rgb(path) for path in paths[::step][: options.limit]]
    anchor, seconds = measured(images, 1)
    print(f"{len(images)} images, {options.threads} threads")
    print(f"effort 1: {seconds:8.2f} s a megapixel")
    for effort in options.efforts:
        curve, seconds = measured(images, effort)
        change = bd_rate(anchor, curve, "pchip").value
        points = "  ".join(f"{bpp:.3f} {value:.2f}" for bpp, value in curve.points)
        print(f"effort {effort}: {seconds:8.2f} s a megapixel  {change:+6.2f} %  {points}", flush=True)


if __name__ == "__main__":
    main()
