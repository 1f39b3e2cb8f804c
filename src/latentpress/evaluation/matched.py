"""What codecs and models make of an image at the same rate, to lay side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from latentpress.errors import ConfigurationError
from latentpress.evaluation.bench import find_close
from latentpress.evaluation.codecs import Codec
from latentpress.evaluation.codecs.base import to_pixels
from latentpress.evaluation.images import ImageFile, read_image
from latentpress.report.comparisons import Comparison, Version

ORIGINAL = "Original"


def match_rate(image: ImageFile, codecs: Sequence[Codec], bpp: float) -> Comparison:
    """The original, and its reconstruction by each codec at the quality whose rate is nearest to a target.

    Args:
        image: what to code, from `find_images`.
        codecs: from `find_codec`.
        bpp: bits per pixel to come near to.

    Raises:
        ConfigurationError: the rate is not positive.
        ImageError: the image cannot be read, or not be coded by one of the codecs.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from latentpress.evaluation import find_images
        >>> from latentpress.evaluation.codecs import find_codec
        >>> path = f"{tempfile.mkdtemp()}/noise.png"
        >>> Image.effect_noise((96, 64), 40).save(path)
        >>> comparison = match_rate(find_images([path])[0], [find_codec("jpeg"), find_codec("webp")], 2.0)
        >>> [version.name for version in comparison.versions]
        ['Original', 'JPEG', 'WebP']
        >>> all(abs(version.bpp - 2.0) < 0.4 for version in comparison.versions[1:])
        True
    """
    if bpp <= 0:
        raise ConfigurationError(f"Expected a rate over 0 bits per pixel, found {bpp:g}.")
    pixels = to_pixels(read_image(image.path))
    versions = [Version(ORIGINAL, Image.fromarray(pixels))]
    for codec in codecs:
        close = find_close(codec, [image.path], bpp)
        decoded = codec.round_trip(pixels, close.quality).pixels
        versions.append(
            Version(
                codec.name,
                Image.fromarray(decoded),
                label=f"quality {close.quality:g}",
                bpp=close.values["bpp"],
                psnr=close.values["psnr-rgb"],
                ms_ssim=close.values["ms-ssim-rgb"],
            )
        )
    return Comparison(image.source, tuple(versions))
