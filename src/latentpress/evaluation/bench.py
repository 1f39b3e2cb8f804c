"""Codecs over images: which points a name stands for, and the quality nearest to a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs import Codec, CodecSubject, find_codec
from latentpress.evaluation.engine import evaluate
from latentpress.evaluation.images import find_images

TARGETS = ("bpp", "psnr-rgb", "ms-ssim-rgb")


def plan_codec(codec: Codec | str, qualities: Sequence[float] = ()) -> list[CodecSubject]:
    """The points of a codec's curve, for `evaluate`.

    Args:
        codec: a codec, or the name of one or of a model of the zoo.
        qualities: in the codec's own measure; by default those of a curve from about 0.1 to 2 bits per pixel.

    Raises:
        ConfigurationError: there is no such codec or quality, or what it needs is not installed.

    Example:
        >>> [subject.label for subject in plan_codec("jpeg", [10, 50])]
        ['quality 10', 'quality 50']
    """
    found = find_codec(codec) if isinstance(codec, str) else codec
    chosen = qualities or found.qualities
    for quality in chosen:
        found.check_quality(quality)
    return [CodecSubject(found, quality) for quality in chosen]


@dataclass(frozen=True)
class Close:
    """The quality of a codec that comes nearest to a target.

    Attributes:
        quality: in the codec's own measure.
        value: what was aimed at, at this quality: bits per pixel, dB, or MS-SSIM.
        values: everything that was measured at this quality, as means over the images.
    """

    quality: float
    value: float
    values: Mapping[str, float | None]


def find_close(
    codec: Codec | str,
    images: Sequence[str | Path],
    target: float,
    metric: str = "bpp",
    *,
    on_try: Callable[[Close], None] | None = None,
) -> Close:
    """The quality of a codec or model that comes nearest to a rate or a quality of the picture.

    A bisection over the codec's `scale`: files and pictures are taken to grow better with it.

    Args:
        codec: a codec, or the name of one or of a model of the zoo.
        images: files and folders; the target is for the mean over all of them.
        target: bits per pixel, dB, or MS-SSIM in [0, 1].
        metric: which of them: one of `TARGETS`.
        on_try: called with every quality that is tried.

    Raises:
        ConfigurationError: there is no such codec or metric, or the images have no such metric.
        ImageError: no image can be read.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from PIL import Image
        >>> rows, columns = np.mgrid[:96, :128]
        >>> path = f"{tempfile.mkdtemp()}/waves.png"
        >>> Image.fromarray((127 + 120 * np.sin(rows * columns / 99)).astype(np.uint8)).save(path)
        >>> close = find_close("jpeg", [path], 32.0, "psnr-rgb")
        >>> abs(close.value - 32.0) < 0.5
        True
    """
    if metric not in TARGETS:
        raise ConfigurationError(f"Expected a target of {', '.join(TARGETS)}, found {metric!r}.")
    found = find_codec(codec) if isinstance(codec, str) else codec
    files = find_images(images)
    tried: dict[int, Close] = {}

    def attempt(step: int) -> Close:
        quality = found.scale[step]
        (point,) = evaluate([CodecSubject(found, quality)], files)
        values = point.means()
        value = values[metric]
        if value is None:
            note = next(note for measured in point.measurements.values() for note in measured.notes)
            raise ConfigurationError(f"Expected images that have {metric}, found none: {note}")
        tried[step] = Close(quality, value, values)
        if on_try is not None:
            on_try(tried[step])
        return tried[step]

    low, high = -1, len(found.scale)  # what is at `low` falls short of the target; what is at `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        if attempt(middle).value < target:
            low = middle
        else:
            high = middle
    return min(tried.values(), key=lambda close: abs(close.value - target))
