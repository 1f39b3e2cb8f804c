"""Codecs in libraries: real files, in the order of their qualities, with the settings that were asked for."""

import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress.errors import ConfigurationError, ImageError
from latentpress.evaluation.codecs import (
    CODECS,
    Avif,
    CodecSubject,
    Heif,
    Jpeg,
    Jpeg2000,
    JpegXl,
    ModelFiles,
    Webp,
    find_codec,
    is_codec_name,
)
from latentpress.evaluation.codecs.base import to_pixels, to_tensor
from latentpress.evaluation.codecs.jpegxl import distance_of
from latentpress.evaluation.metrics import psnr

IN_LIBRARIES = ["jpeg", "jpeg2000", "webp", "avif", "jpegxl", "heif"]


@pytest.fixture
def grainy(photo: Image.Image) -> np.ndarray:
    """The photograph with noise, which takes bits at any quality."""
    noise = np.random.default_rng(0).normal(0, 6, (96, 128, 3))
    return (np.asarray(photo.resize((128, 96))) + noise).clip(0, 255).astype(np.uint8)


def usable(name: str) -> None:
    for codec, package in (("jpegxl", "imagecodecs"), ("heif", "pillow_heif")):
        if name == codec:
            pytest.importorskip(package)


@pytest.mark.parametrize("name", IN_LIBRARIES)
def test_files_and_pictures_grow_with_the_scale(name: str, grainy: np.ndarray) -> None:
    usable(name)
    codec, x = find_codec(name), to_tensor(grainy)
    qualities = [codec.scale[len(codec.scale) * share // 10] for share in (3, 6, 9)]
    coded = [CodecSubject(codec, quality).code(x) for quality in qualities]
    assert coded[0].bits < coded[1].bits < coded[2].bits
    distances = [psnr(x, found.reconstruction) for found in coded]
    assert 15 < distances[0] < distances[1] < distances[2]
    assert all(found.reconstruction.shape == x.shape for found in coded)
    assert min(coded[0].times["encoding_time"], coded[0].times["decoding_time"]) > 0


@pytest.mark.parametrize("name", IN_LIBRARIES)
def test_default_qualities_are_on_the_scale_and_rise_with_it(name: str) -> None:
    usable(name)
    codec = find_codec(name)
    falling = codec.scale[0] > codec.scale[-1]
    assert list(codec.qualities) == sorted(codec.qualities, reverse=falling)
    for quality in codec.qualities:
        codec.check_quality(quality)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (65, 33)])
@pytest.mark.parametrize("name", IN_LIBRARIES)
def test_any_size_comes_back_as_it_was(name: str, size: tuple[int, int]) -> None:
    usable(name)
    width, height = size
    pixels = np.full((height, width, 3), (30, 120, 200), np.uint8)
    codec = find_codec(name)
    restored = codec.round_trip(pixels, codec.qualities[-1]).pixels
    assert restored.shape == pixels.shape
    assert np.abs(restored.astype(int) - pixels).max() < 12


def test_a_size_is_that_of_the_file_that_pillow_writes(photo: Image.Image) -> None:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=60, subsampling="4:4:4", optimize=False)
    result = Jpeg(subsampling="4:4:4", optimize=False).round_trip(np.asarray(photo), 60)
    assert result.size == len(file.getvalue())
    assert np.array_equal(result.pixels, np.asarray(Image.open(file)))


def test_settings_change_the_file(grainy: np.ndarray) -> None:
    def size(codec: Jpeg | Webp | Avif) -> int:
        return codec.round_trip(grainy, 60).size

    assert size(Jpeg(optimize=False)) > size(Jpeg())
    assert size(Jpeg(subsampling="4:4:4")) > size(Jpeg())
    assert size(Webp(method=0)) != size(Webp())
    assert size(Avif(subsampling="4:4:4", speed=9)) != size(Avif(speed=9))


def test_heif_keeps_chroma_where_it_is_told_to() -> None:
    usable("heif")
    checks = np.indices((64, 64)).sum(0) % 2
    pixels = np.stack([255 * checks, 0 * checks, 255 - 255 * checks], axis=2).astype(np.uint8)
    full, half = (Heif(subsampling=s) for s in ("4:4:4", "4:2:0"))
    for codec in (full, half):
        codec.check()
    errors = [np.abs(c.round_trip(pixels, 90).pixels.astype(int) - pixels).mean() for c in (full, half)]
    assert errors[0] < 20 < errors[1]


def test_jpeg_2000_meets_its_ratio(grainy: np.ndarray) -> None:
    target = grainy.size / 24
    assert 0.85 * target < Jpeg2000().round_trip(grainy, 24).size <= target


def test_quality_90_of_jpeg_xl_is_distance_1_as_for_cjxl() -> None:
    assert [distance_of(quality) for quality in (100, 90, 68, 30, 0)] == [0.1, 1.0, 2.98, 6.4, 25.0]


@pytest.mark.parametrize("name", CODECS)
def test_names_are_known_whatever_their_case_and_hyphens(name: str) -> None:
    assert is_codec_name(name)
    assert is_codec_name(name.upper())
    assert is_codec_name(name.replace("2000", "-2000"))


def test_suffixes_and_models_are_names_too() -> None:
    assert find_codec("jpg") == Jpeg()
    assert find_codec("mbt2018_mean") == ModelFiles("mbt2018_mean")
    assert is_codec_name("qarv-base")
    assert not is_codec_name("ssf2020")
    assert not is_codec_name("kodak")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("gif", {}, "jpeg2000"),
        ("jpeg", {"speed": 3}, "subsampling, optimize"),
        ("jpeg", {"subsampling": "4:1:0"}, "4:2:0"),
        ("jpeg", {"optimize": "perhaps"}, "bool"),
        ("webp", {"method": 7}, "0 to 6"),
        ("avif", {"speed": "fast"}, "int"),
        ("ssf2020", {}, "ssf2020"),
        ("qres34m_lossless", {}, "lambdas"),
    ],
)
def test_what_is_no_codec_or_setting_is_refused(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        find_codec(name, settings)


@pytest.mark.parametrize(("codec", "quality"), [(Jpeg(), 0), (Jpeg(), 50.5), (Webp(), 101), (Jpeg2000(), 1)])
def test_a_quality_out_of_range_is_refused(codec: Jpeg, quality: float) -> None:
    with pytest.raises(ConfigurationError, match=codec.name):
        codec.round_trip(np.zeros((8, 8, 3), np.uint8), quality)


@pytest.mark.parametrize(("name", "package"), [("jpegxl", "imagecodecs"), ("heif", "pillow_heif")])
def test_a_missing_package_comes_with_how_to_install_it(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=r"latentpress\[classical\]"):
        find_codec(name)


def test_an_image_that_a_format_cannot_hold_is_the_images_fault() -> None:
    with pytest.raises(ImageError, match=r"WebP.*17000x1"):
        Webp().round_trip(np.zeros((1, 17000, 3), np.uint8), 50)


def test_codecs_estimate_nothing() -> None:
    with pytest.raises(ConfigurationError, match="estimates nothing"):
        CodecSubject(Jpeg(), 50).code(torch.zeros(1, 3, 8, 8), entropy_estimation=True)


def test_eight_bit_pixels_survive_the_way_to_tensors_and_back() -> None:
    pixels = np.arange(256 * 3, dtype=np.uint8).reshape(16, 16, 3)
    assert np.array_equal(to_pixels(to_tensor(pixels)), pixels)


def test_the_effort_of_jpeg_xl_reaches_the_encoder(grainy: np.ndarray) -> None:
    usable("jpegxl")
    assert JpegXl(effort=9).round_trip(grainy, 60).size != JpegXl(effort=1).round_trip(grainy, 60).size
