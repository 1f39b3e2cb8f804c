"""`.ltp` files open and save like any other image."""

import io
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from latentpress.codec import api
from latentpress.errors import BitstreamError, ConfigurationError, WeightsError


@pytest.fixture(autouse=True)
def _default_is_small(gained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decodes with the small model, as `Image.open` has nowhere to name a checkpoint."""
    compress, decompress = api.compress, api.decompress
    monkeypatch.setattr(
        api, "compress", lambda image, **given: compress(image, **{"checkpoint": gained, **given})
    )
    monkeypatch.setattr(api, "decompress", lambda data, **given: decompress(data, checkpoint=gained, **given))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_an_image_saved_is_the_image_opened(tmp_path: Path, photo: Image.Image, mode: str) -> None:
    path = tmp_path / "x.ltp"
    photo.convert(mode).save(path, quality=30)
    with Image.open(path) as opened:
        assert (opened.format, opened.mode, opened.size) == ("LTP", mode, (90, 70))
        assert (opened.info["model"], opened.info["quality"]) == ("latentpress2026", 30)
        assert opened.tobytes() == api.decompress(path.read_bytes()).tobytes()


def damaged(data: bytes) -> dict[str, bytes]:
    return {
        "cut": data[:60],
        "by a byte": data[:-1],
        "flipped": data[:-9] + b"?" + data[-8:],
        "long": data + b"x",
    }


@pytest.mark.parametrize("kind", ["cut", "by a byte", "flipped", "long"])
def test_damage_is_told_by_load_and_verify_as_an_error_of_files(photo: Image.Image, kind: str) -> None:
    stream = io.BytesIO()
    photo.save(stream, "LTP")
    stream = io.BytesIO(damaged(stream.getvalue())[kind])
    opened = Image.open(stream)
    assert opened.size == (90, 70)
    for _ in range(2):
        with pytest.raises(OSError, match="Expected") as caught:
            opened.load()
        assert isinstance(caught.value, BitstreamError)
    with pytest.raises(OSError, match="Expected"):
        Image.open(stream).verify()


def test_a_whole_file_is_verified_once_and_then_opened_again(tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "x.ltp")
    opened = Image.open(tmp_path / "x.ltp")
    opened.verify()
    with pytest.raises(RuntimeError, match="directly after open"):
        opened.verify()
    with pytest.raises(OSError, match="cannot load"):
        opened.load()
    opened = Image.open(tmp_path / "x.ltp")
    opened.load()
    with pytest.raises(RuntimeError, match="directly after open"):
        opened.verify()


@pytest.mark.parametrize("loaded", [False, True])
def test_a_closed_image_says_so(tmp_path: Path, photo: Image.Image, loaded: bool) -> None:
    photo.save(tmp_path / "x.ltp")
    opened = Image.open(tmp_path / "x.ltp")
    if loaded:
        opened.load()
    opened.close()
    for use in (opened.load, opened.tobytes, lambda: opened.getpixel((0, 0)), opened.copy):
        with pytest.raises(ValueError, match="closed image"):
            use()


def test_what_is_no_image_at_all_is_left_to_pillow(tmp_path: Path) -> None:
    (tmp_path / "x.ltp").write_bytes(b"\x89LT")
    with pytest.raises(UnidentifiedImageError):
        Image.open(tmp_path / "x.ltp")


def test_streams_and_profiles_work(photo: Image.Image) -> None:
    photo.info["icc_profile"] = b"a profile"
    stream = io.BytesIO()
    photo.save(stream, "LTP", target_size=10_000)
    opened = Image.open(stream)
    assert opened.info["icc_profile"] == b"a profile"
    opened.load()
    assert opened.info["icc_profile"] == b"a profile"
    assert opened.convert("L").size == (90, 70)
    assert opened.copy().getpixel((0, 0)) == opened.getpixel((0, 0))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, b"old"),
        ({"icc_profile": b"new"}, b"new"),
        ({"icc_profile": None}, None),
        ({"icc_profile": b""}, None),
    ],
)
def test_the_profile_is_kept_replaced_or_dropped(
    photo: Image.Image, given: dict[str, bytes | None], kept: bytes | None
) -> None:
    photo.info["icc_profile"] = b"old"
    stream = io.BytesIO()
    photo.save(stream, "LTP", **given)
    assert Image.open(stream).info.get("icc_profile") == kept
    assert photo.info["icc_profile"] == b"old"


def test_a_profile_of_inks_is_not_kept_for_what_became_rgb(photo: Image.Image) -> None:
    stream = io.BytesIO()
    photo.convert("CMYK").save(stream, "LTP", icc_profile=b"of inks")
    assert "icc_profile" not in Image.open(stream).info


@pytest.mark.parametrize("profile", ["text", bytes(2**24 + 1)], ids=["text", "too long"])
def test_a_profile_that_cannot_be_kept_is_refused(photo: Image.Image, profile: object) -> None:
    with pytest.raises(ConfigurationError, match=r"ICC profile|icc_profile"):
        photo.save(io.BytesIO(), "LTP", icc_profile=profile)


def test_other_metadata_are_dropped_and_told_where_they_were_asked_for(photo: Image.Image) -> None:
    photo.info.update(xmp=b"<x/>", dpi=(72, 72), comment=b"hello")
    photo.getexif()[0x0112] = 6
    photo.getexif()[0x010E] = "a description"
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo.save(stream, "LTP")
    opened = Image.open(stream)
    assert opened.size == (70, 90)  # turned
    opened.load()
    assert set(opened.info) == {"model", "quality"}
    assert not opened.getexif()
    given = {"exif": photo.getexif(), "xmp": b"<x/>", "dpi": (72, 72), "comment": "hello"}
    with pytest.warns(UserWarning, match="does not keep exif, xmp, dpi, comment"):
        photo.save(stream, "LTP", **given)


@pytest.mark.parametrize("name", ["quality", "target_bpp", "target_size", "lmb"])
@pytest.mark.parametrize("value", ["high", True, [50], float("nan")])
def test_an_option_that_is_no_number_is_refused(photo: Image.Image, name: str, value: object) -> None:
    with pytest.raises(ValueError, match="Expected"):
        photo.save(io.BytesIO(), "LTP", **{name: value})


def test_options_of_saving_are_those_of_compress(photo: Image.Image) -> None:
    stream = io.BytesIO()
    photo.save(stream, "LTP", quality=77.5)
    assert stream.getvalue() == api.compress(photo, quality=77.5)


def test_saving_with_a_bad_option_leaves_no_file(tmp_path: Path, photo: Image.Image) -> None:
    with pytest.raises(ConfigurationError):
        photo.save(tmp_path / "x.ltp", quality=500)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_header_is_told_by_its_own_error(tmp_path: Path) -> None:
    (tmp_path / "x.ltp").write_bytes(b"\x89LTP\x07rest")
    with pytest.raises(BitstreamError, match="version 7") as caught:
        Image.open(tmp_path / "x.ltp")
    assert isinstance(caught.value, OSError)


def test_other_weights_are_told_by_their_own_error(photo: Image.Image, other_gained: Path) -> None:
    stream = io.BytesIO()
    photo.save(stream, "LTP", checkpoint=other_gained)
    with pytest.raises(WeightsError, match="fingerprint") as caught:
        Image.open(stream).load()
    assert isinstance(caught.value, OSError)


def test_a_huge_claim_is_stopped_by_the_limit(photo: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(api.compress(photo)))


def test_importing_the_package_is_enough_and_opening_loads_no_torch(
    tmp_path: Path, photo: Image.Image
) -> None:
    photo.save(tmp_path / "x.ltp")
    program = (
        "import sys, latentpress; from PIL import Image; image = Image.open(sys.argv[1]);"
        "assert image.size == (90, 70); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "x.ltp")], check=True)
