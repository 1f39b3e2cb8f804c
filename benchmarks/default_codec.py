"""Rate and distortion of the default codec against JPEG and WebP, from real files, on a folder of images.

    python benchmarks/default_codec.py ../shared/data/kodak

Everything is measured by `latentpress.evaluation`, as `latentpress bench` does: JPEG is libjpeg-turbo,
4:2:0 with optimised Huffman tables, WebP libwebp at its slowest, and latentpress2026 its `.ltp` files. Bits
per pixel and PSNR are averaged over the images before curves are compared. BD-rate is by Akima where the
curves overlap, between 0.2 and 1.0 bpp of the anchor.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

from latentpress.evaluation import Codec, evaluate, find_images, plan_codec
from latentpress.evaluation.codecs import Jpeg, ModelFiles, Webp
from latentpress.report import Curve, Delta, bd_rate

BPP_RANGE = (0.2, 1.0)
CODECS: dict[str, tuple[Codec, list[float]]] = {
    "latentpress2026": (ModelFiles(), [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
    "jpeg": (Jpeg(), [3, 5, 8, 12, 17, 24, 33, 45, 58, 70, 80]),
    "webp": (Webp(), [0, 3, 8, 16, 27, 40, 53, 65, 75, 83, 90]),
}


class Point(NamedTuple):
    """One quality of one codec: means over the images."""

    quality: float
    bpp: float
    psnr: float
    ms_ssim: float


def measure(images: Path, jobs: int) -> dict[str, list[Point]]:
    """The points of every codec, by its name."""
    plans = {name: plan_codec(codec, qualities) for name, (codec, qualities) in CODECS.items()}
    subjects = [subject for plan in plans.values() for subject in plan]
    means = iter([point.means() for point in evaluate(subjects, find_images([images]), processes=jobs)])
    names = ("bpp", "psnr-rgb", "ms-ssim-rgb")
    curves = {}
    for name, plan in plans.items():
        found = [(subject.quality, next(means)) for subject in plan]
        curves[name] = [Point(quality, *(float(mean[key] or 0) for key in names)) for quality, mean in found]
    return curves


def compare(anchor: list[Point], test: list[Point]) -> Delta:
    """How many percent more rate `test` needs than `anchor` for the same PSNR, within the range of rates."""
    low, high = BPP_RANGE
    inside = [(point.bpp, point.psnr) for point in anchor if low <= point.bpp <= high]
    curve = Curve("test", "psnr-rgb", [(point.bpp, point.psnr) for point in test])
    return bd_rate(Curve("anchor", "psnr-rgb", inside), curve, "akima")


def main() -> None:
    """Print the curves and the BD-rates."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the curves to this file")
    arguments = parser.parse_args()
    curves = measure(arguments.images, arguments.jobs)
    for codec, points in curves.items():
        print(f"\n{codec}, means over the images\nquality     bpp    PSNR  MS-SSIM")
        for point in points:
            print(f"{point.quality:7g} {point.bpp:7.3f} {point.psnr:7.2f} {point.ms_ssim:8.4f}")
    print(f"\nBD-rate of latentpress2026, PSNR, {BPP_RANGE[0]} to {BPP_RANGE[1]} bpp of the anchor")
    for anchor in ("jpeg", "webp"):
        delta = compare(curves[anchor], curves["latentpress2026"])
        print(f"against {anchor}: {delta.value:+.1f} %" if delta.value is not None else delta.warning)
    if arguments.json is not None:
        rows = {codec: [point._asdict() for point in points] for codec, points in curves.items()}
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
