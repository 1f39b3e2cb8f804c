"""Images as Pillow or NumPy have them <-> the eight-bit planes that are coded. Networks are in
`image_codec.py`.

Greyscale stays greyscale and alpha stays apart; everything else becomes RGB:

| Pillow mode | coded as |
|---|---|
| `1`, `L` | `L` (`LA` if a transparent colour is declared) |
| `LA`, `La` | `LA` |
| `I;16` (any byte order), `I` | `L`: values taken as 0..65535, scaled to 0..255 and rounded |
| `F` | `L`: values taken as 0..255, rounded |
| `RGB`, `RGBX`, `YCbCr`, `HSV` | `RGB` (`RGBA` if a transparent colour is declared) |
| `RGBA`, `RGBa`, `PA` | `RGBA` |
| `P` | `RGB`, or `RGBA` if the palette has transparency |
| `CMYK`, `LAB` | `RGB`, converted by Pillow without a profile |

The EXIF orientation is applied to the pixels, and the rest of the EXIF data is left out. An ICC profile is
kept, unless the pixels were converted from CMYK, LAB or HSV, which it would no longer describe. Of an
animation, the first frame is coded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from latentpress.codec.container import Layout
from latentpress.errors import ImageError

Pixels = npt.NDArray[np.uint8]

_PIXEL_MODES = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "RGB": "RGB", "RGBX": "RGB", "RGBA": "RGBA", "RGBa": "RGBA",
    "P": "RGB", "PA": "RGBA", "YCbCr": "RGB", "HSV": "RGB", "CMYK": "RGB",
}  # fmt: skip
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
MODES_WITHOUT_PROFILE = ("CMYK", "LAB", "HSV")
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Picture:
    """What is coded: an image as planes.

    Args:
        colour: uint8, `(H, W, 1)` for grey and `(H, W, 3)` for RGB.
        alpha: uint8, `(H, W)`, or None.
        icc: ICC profile, or None.
    """

    colour: Pixels
    alpha: Pixels | None = None
    icc: bytes | None = None

    @property
    def height(self) -> int:
        return int(self.colour.shape[0])

    @property
    def width(self) -> int:
        return int(self.colour.shape[1])

    @property
    def layout(self) -> Layout:
        if self.colour.shape[2] == 1:
            return Layout.L if self.alpha is None else Layout.LA
        return Layout.RGB if self.alpha is None else Layout.RGBA


ImageLike = Image.Image | np.ndarray | Picture


def picture_from(image: ImageLike) -> Picture:
    """The planes of an image.

    Args:
        image: a Pillow image of any mode in the table above, or an array `(H, W)`, `(H, W, 1)` (grey),
            `(H, W, 2)` (grey, alpha), `(H, W, 3)` (RGB) or `(H, W, 4)` (RGBA) of uint8, uint16 (scaled to
            eight bits) or bool. A `Picture` is returned as it is.

    Raises:
        ImageError: the image is empty, cannot be read, or has another layout.

    Example:
        >>> picture_from(np.zeros((5, 7, 4), np.uint8)).layout.name
        'RGBA'
    """
    if isinstance(image, Picture):
        return image
    if isinstance(image, np.ndarray):
        return _split(_eight_bits(image), None)
    if not isinstance(image, Image.Image):
        raise ImageError(f"Expected a Pillow image or a NumPy array, found {type(image).__name__}.")
    if 0 in image.size:
        raise ImageError(f"Expected an image of at least 1x1 pixels, found {image.width}x{image.height}.")
    try:
        image = ImageOps.exif_transpose(image)
        pixels = np.asarray(_to_pixel_mode(image))
    except _UNREADABLE as error:
        raise ImageError(f"Expected a readable image, found one that Pillow cannot read: {error}.") from error
    icc = None if image.mode in MODES_WITHOUT_PROFILE else image.info.get("icc_profile")
    return _split(_eight_bits(pixels), icc or None)


def image_from(picture: Picture) -> Image.Image:
    """A Pillow image of mode `L`, `LA`, `RGB` or `RGBA`, its ICC profile in `info["icc_profile"]`."""
    planes = [picture.colour] if picture.alpha is None else [picture.colour, picture.alpha[:, :, None]]
    pixels = np.concatenate(planes, axis=2)
    image = Image.fromarray(np.ascontiguousarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels))
    if picture.icc is not None:
        image.info["icc_profile"] = picture.icc
    return image


def _to_pixel_mode(image: Image.Image) -> Image.Image:
    """The image in a mode whose array is grey or RGB, with or without alpha, in eight or more bits."""
    mode = image.mode
    if mode in _SIXTEEN_BIT_MODES:
        values = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(_eight_bits(values.astype(np.uint16)))
    if mode == "F":
        values = np.nan_to_num(np.asarray(image)).clip(0, 255)
        return Image.fromarray(np.rint(values).astype(np.uint8))
    if mode == "LAB":
        return _from_lab(image)
    if mode not in _PIXEL_MODES:
        known = ", ".join([*_PIXEL_MODES, *_SIXTEEN_BIT_MODES, "F", "LAB"])
        raise ImageError(f"Expected an image of one of the modes {known}, found {mode}: convert it first.")
    target = _PIXEL_MODES[mode]
    if mode == "RGBa":
        return image.convert("RGBA")
    if mode == "La":
        return image.convert("LA")
    if image.has_transparency_data and target in ("L", "RGB"):
        target += "A"
    if mode == "1" and target == "LA":
        image = image.convert("L")
    return image if mode == target else image.convert(target)


def _from_lab(image: Image.Image) -> Image.Image:
    try:
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        converted = ImageCms.applyTransform(image, transform)
    except ImageCms.PyCMSError as error:
        raise ImageError(f"Expected a Pillow that can convert LAB images, found: {error}.") from error
    assert converted is not None  # only an in-place transform returns None
    return converted


def _eight_bits(pixels: np.ndarray) -> Pixels:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    raise ImageError(
        f"Expected pixels of type uint8, uint16 or bool, found {pixels.dtype}: for floats in [0, 1] pass "
        "(255 * pixels).round().astype('uint8')."
    )


def _split(pixels: Pixels, icc: bytes | None) -> Picture:
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4):
        raise ImageError(f"Expected an array (H, W) or (H, W, C) with C from 1 to 4, found {pixels.shape}.")
    if 0 in pixels.shape:
        raise ImageError(
            f"Expected an image of at least 1x1 pixels, found {pixels.shape[1]}x{pixels.shape[0]}."
        )
    if pixels.shape[2] % 2:
        return Picture(pixels, None, icc)
    return Picture(pixels[:, :, :-1], pixels[:, :, -1], icc)
