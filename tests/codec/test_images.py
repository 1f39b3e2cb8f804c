"""Every kind of image that Pillow or NumPy has becomes planes in the documented way."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from latentpress.codec.container import Layout
from latentpress.codec.images import image_from, picture_from
from latentpress.errors import ImageError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_the_four_layouts_come_back_as_they_were(mode: str) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    image.info["icc_profile"] = PROFILE
    restored = image_from(picture_from(image))
    assert (restored.mode, restored.size, restored.tobytes()) == (mode, (7, 5), image.tobytes())
    assert restored.info["icc_profile"] == PROFILE


@pytest.mark.parametrize(
    ("mode", "layout"),
    [
        ("1", Layout.L),
        ("La", Layout.LA),
        ("P", Layout.RGB),
        ("PA", Layout.RGBA),
        ("RGBX", Layout.RGB),
        ("RGBa", Layout.RGBA),
        ("CMYK", Layout.RGB),
        ("YCbCr", Layout.RGB),
        ("HSV", Layout.RGB),
        ("LAB", Layout.RGB),
        ("I", Layout.L),
        ("I;16", Layout.L),
        ("I;16B", Layout.L),
        ("I;16L", Layout.L),
        ("F", Layout.L),
    ],
)
def test_every_other_mode_has_its_layout(mode: str, layout: Layout) -> None:
    picture = picture_from(Image.new(mode, (3, 2)))
    assert (picture.layout, picture.width, picture.height) == (layout, 3, 2)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I"])
def test_sixteen_bits_are_scaled_to_eight_with_rounding(mode: str) -> None:
    image = Image.new(mode, (5, 1))
    for x, value in enumerate([0, 128, 129, 32896, 65535]):
        image.putpixel((x, 0), value)
    assert picture_from(image).colour.ravel().tolist() == [0, 0, 1, 128, 255]


def test_values_outside_the_range_of_a_deep_mode_are_clipped() -> None:
    deep = Image.fromarray(np.array([[-5, 70000]], np.int32))
    assert picture_from(deep).colour.ravel().tolist() == [0, 255]
    floats = Image.fromarray(np.array([[-1.0, 127.6, 300.0, np.nan]], np.float32))
    assert picture_from(floats).colour.ravel().tolist() == [0, 128, 255, 0]


def test_a_bilevel_image_is_black_and_white() -> None:
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert picture_from(image).colour.ravel().tolist() == [0, 255]


def test_the_transparency_of_a_palette_becomes_alpha() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 1
    picture = picture_from(image)
    assert picture.colour.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0]]


@pytest.mark.parametrize(("mode", "colour"), [("L", 7), ("RGB", (7, 8, 9))])
def test_a_declared_transparent_colour_becomes_alpha(mode: str, colour: int | tuple[int, int, int]) -> None:
    image = Image.new(mode, (2, 1), colour)
    image.putpixel((0, 0), 0 if mode == "L" else (0, 0, 0))
    image.info["transparency"] = colour
    picture = picture_from(image)
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied_to_the_pixels(orientation: int) -> None:
    shown = Image.fromarray(PIXELS[:, :, :3])
    undone = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # orientation -> Image.Transpose that undoes it
    stored = shown if orientation == 1 else shown.transpose(Image.Transpose(undone[orientation]))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(file, "png", exif=exif)
    assert np.array_equal(picture_from(Image.open(file)).colour, PIXELS[:, :, :3])


@pytest.mark.parametrize("mode", ["CMYK", "HSV", "LAB"])
def test_a_profile_that_no_longer_fits_is_dropped(mode: str) -> None:
    image = Image.new(mode, (2, 2))
    image.info["icc_profile"] = PROFILE
    assert picture_from(image).icc is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.bool_])
def test_arrays_of_one_to_four_channels_are_taken(channels: int, dtype: type) -> None:
    picture = picture_from(np.ones((5, 7, channels), dtype))
    assert picture.layout.name == ["L", "LA", "RGB", "RGBA"][channels - 1]
    assert picture.colour.max() == {np.uint8: 1, np.uint16: 0, np.bool_: 255}[dtype]


def test_an_array_without_channels_is_grey() -> None:
    assert picture_from(np.zeros((5, 7), np.uint8)).layout is Layout.L


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((5, 7, 5), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((0, 7), np.uint8),
        np.zeros((5, 7, 0), np.uint8),
        np.zeros((5, 7), np.float32),
        np.zeros((5, 7), np.int64),
        Image.new("RGB", (0, 3)),
        "photo.png",
    ],
)
def test_what_is_no_image_is_refused(image: object) -> None:
    with pytest.raises(ImageError, match="Expected"):
        picture_from(image)  # type: ignore[arg-type]


def test_an_image_whose_file_is_cut_is_refused() -> None:
    file = io.BytesIO()
    Image.fromarray(PIXELS).resize((200, 200)).save(file, "png")
    with pytest.raises(ImageError, match="cannot read"):
        picture_from(Image.open(io.BytesIO(file.getvalue()[:1000])))
