"""`.ltp` files open and save like any other image."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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


def test_opening_reads_the_header_only(tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "x.ltp")
    (tmp_path / "cut.ltp").write_bytes((tmp_path / "x.ltp").read_bytes()[:60])
    with Image.open(tmp_path / "cut.ltp") as opened:
        assert opened.size == (90, 70)
        with pytest.raises(BitstreamError, match="truncated"):
            opened.load()


def test_streams_and_profiles_work(photo: Image.Image) -> None:
    photo.info["icc_profile"] = b"a profile"
    stream = io.BytesIO()
    photo.save(stream, "LTP", target_size=10_000)
    opened = Image.open(stream)
    opened.load()
    assert opened.info["icc_profile"] == b"a profile"
    assert opened.convert("L").size == (90, 70)
    assert opened.copy().getpixel((0, 0)) == opened.getpixel((0, 0))


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
    with pytest.raises(BitstreamError, match="version 7"):
        Image.open(tmp_path / "x.ltp")


def test_other_weights_are_told_by_their_own_error(photo: Image.Image, other_gained: Path) -> None:
    stream = io.BytesIO()
    photo.save(stream, "LTP", checkpoint=other_gained)
    with pytest.raises(WeightsError, match="fingerprint"):
        Image.open(stream).load()


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
