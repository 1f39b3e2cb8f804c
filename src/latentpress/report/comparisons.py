"""Versions of an image to lay side by side, and how they go into a page of a limited size."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

LOSSY_QUALITY = 95  # of WebP, where images without loss would be too many bytes


@dataclass(frozen=True)
class Version:
    """One version of an image: the original, or what a codec or model made of it.

    Attributes:
        name: of the codec or model, or `Original`.
        image: the pixels.
        label: at which quality it was made; empty if there is none.
        bpp: bits per pixel of its code.
        psnr: in dB, over R, G and B.
        ms_ssim: in [0, 1].
    """

    name: str
    image: Image.Image
    label: str = ""
    bpp: float | None = None
    psnr: float | None = None
    ms_ssim: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Versions of one image, the original first.

    Attributes:
        source: what the image is called.
        versions: two or more, all of one size.
    """

    source: str
    versions: tuple[Version, ...]


@dataclass(frozen=True)
class Embedded:
    """Comparisons as a page holds them.

    Attributes:
        records: for each comparison, plain data with the images as `data:` addresses.
        lossless: whether the images are exactly what was given.
        left_out: sources of the comparisons there was no room for.
    """

    records: list[dict[str, Any]]
    lossless: bool
    left_out: tuple[str, ...]


def embed(comparisons: Sequence[Comparison], max_bytes: int) -> Embedded:
    """As many comparisons as fit, from the first; without loss if all of them fit so.

    Args:
        comparisons: what to show.
        max_bytes: what the images may add to the page.

    Example:
        >>> image = Image.new("RGB", (64, 48), "teal")
        >>> pair = Comparison("teal", (Version("Original", image), Version("mine", image, bpp=0.1)))
        >>> embedded = embed([pair, pair], max_bytes=10_000)
        >>> len(embedded.records), embedded.lossless, embedded.left_out
        (2, True, ())
    """
    exact = [_record(comparison, lossless=True) for comparison in comparisons]
    if sum(map(_size, exact)) <= max_bytes:
        return Embedded(exact, True, ())
    records: list[dict[str, Any]] = []
    used = 0
    for comparison in comparisons:
        record = _record(comparison, lossless=False)
        used += _size(record)
        if used > max_bytes:
            break
        records.append(record)
    left_out = tuple(comparison.source for comparison in comparisons[len(records) :])
    return Embedded(records, False, left_out)


def _record(comparison: Comparison, *, lossless: bool) -> dict[str, Any]:
    width, height = comparison.versions[0].image.size
    versions = [
        {
            "name": version.name,
            "label": version.label,
            "bpp": version.bpp,
            "psnr": version.psnr,
            "msSsim": version.ms_ssim,
            "uri": _uri(version.image, lossless),
        }
        for version in comparison.versions
    ]
    return {"source": comparison.source, "width": width, "height": height, "versions": versions}


def _size(record: dict[str, Any]) -> int:
    return sum(len(version["uri"]) for version in record["versions"])


def _uri(image: Image.Image, lossless: bool) -> str:
    buffer = io.BytesIO()
    # Of lossless WebP, "quality" is effort, and half of it gives nearly all of the gain.
    options: dict[str, Any] = {"lossless": True, "quality": 50} if lossless else {"quality": LOSSY_QUALITY}
    image.convert("RGB").save(buffer, "WEBP", **options)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
