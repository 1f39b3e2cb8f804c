"""`latentpress demo`: the bundled photograph through the bundled weights, and the result side by side."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

_MARGIN = 8
_CAPTION_HEIGHT = 28


@dataclass(frozen=True)
class Outcome:
    """One photograph, compressed and decompressed."""

    data: bytes
    restored: Image.Image
    bpp: float
    psnr: float
    ms_ssim: float
    raw_size: int
    encode_seconds: float
    decode_seconds: float


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("latentpress-demo"),
    show_default=True,
    metavar="FOLDER",
    help="Where to write the compressed file and the comparison.",
)
@click.option("--quality", type=float, default=50, show_default=True, metavar="Q", help="From 1 to 100.")
def command(output: Path, quality: float) -> None:
    """Compress the bundled photograph and show what came of it beside the original."""
    from latentpress.codec.files import image_bytes, open_image, write_file

    stored = files("latentpress").joinpath("assets/demo.png").read_bytes()
    photograph = open_image(stored, "the bundled photograph").convert("RGB")
    outcome = _compress_and_measure(photograph, quality)
    write_file(output / "demo.ltp", outcome.data, overwrite=True)
    captions = (
        f"original: PNG, {len(stored):,} bytes",
        f"LatentPress: {len(outcome.data):,} bytes, {outcome.bpp:.3f} bpp, {outcome.psnr:.2f} dB",
    )
    comparison = _side_by_side((photograph, outcome.restored), captions)
    write_file(output / "side-by-side.png", image_bytes(comparison, "PNG"), overwrite=True)
    _print(outcome, len(stored), output)


def _compress_and_measure(photograph: Image.Image, quality: float) -> Outcome:
    from latentpress.codec.api import compress, decompress
    from latentpress.evaluation.metrics import ms_ssim, psnr

    decompress(compress(photograph, quality=quality))  # so that the times leave out loading the model
    start = time.perf_counter()
    data = compress(photograph, quality=quality)
    encoded = time.perf_counter()
    restored = decompress(data)
    decoded = time.perf_counter()
    pixels = photograph.width * photograph.height
    a, b = _tensor(photograph), _tensor(restored)
    return Outcome(
        data=data,
        restored=restored,
        bpp=8 * len(data) / pixels,
        psnr=psnr(a, b),
        ms_ssim=ms_ssim(a, b),
        raw_size=3 * pixels,
        encode_seconds=encoded - start,
        decode_seconds=decoded - encoded,
    )


def _tensor(image: Image.Image) -> Tensor:
    """`(1, 3, H, W)` in [0, 1]."""
    import numpy as np
    import torch

    return torch.from_numpy(np.array(image)).permute(2, 0, 1).unsqueeze(0).float() / 255


def _side_by_side(images: tuple[Image.Image, ...], captions: tuple[str, ...]) -> Image.Image:
    """The images in a row, each below its caption."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = images[0].size
    canvas = Image.new(
        "RGB", (len(images) * (width + _MARGIN) + _MARGIN, height + _CAPTION_HEIGHT + _MARGIN), "white"
    )
    draw = ImageDraw.Draw(canvas)
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left = _MARGIN + i * (width + _MARGIN)
        draw.text((left, 5), caption, fill="black", font=ImageFont.load_default(size=16))
        canvas.paste(image, (left, _CAPTION_HEIGHT))
    return canvas


def _print(outcome: Outcome, png_size: int, output: Path) -> None:
    size = len(outcome.data)
    rows = [
        ("size", f"{size:,} bytes, {outcome.bpp:.3f} bpp"),
        ("ratio", f"{outcome.raw_size / size:.1f}:1 to raw pixels, {png_size / size:.1f}:1 to PNG"),
        ("PSNR", f"{outcome.psnr:.2f} dB"),
        ("MS-SSIM", f"{outcome.ms_ssim:.4f}"),
        ("encoding", f"{outcome.encode_seconds:.3f} s"),
        ("decoding", f"{outcome.decode_seconds:.3f} s"),
        ("compressed", str(output / "demo.ltp")),
        ("side by side", str(output / "side-by-side.png")),
    ]
    for name, value in rows:
        click.echo(f"{name:<13}{value}")
