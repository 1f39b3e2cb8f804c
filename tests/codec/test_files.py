"""Files are written whole or not at all, and only over others when asked."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import latentpress
from latentpress._files import whole_file
from latentpress.codec.disk import write_file
from latentpress.errors import BitstreamError, ConfigurationError, ImageError, LatentPressError

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def source(tmp_path: Path, photo: Image.Image) -> Path:
    path = tmp_path / "photo.png"
    photo.save(path)
    return path


def test_a_file_goes_through_and_the_report_says_its_sizes(
    source: Path, gained: Path, tmp_path: Path
) -> None:
    report = latentpress.compress_file(source, tmp_path / "sub" / "photo.ltp", checkpoint=gained)
    assert report.compressed_size == (tmp_path / "sub" / "photo.ltp").stat().st_size
    assert report.other_size == source.stat().st_size
    assert report.bpp == pytest.approx(8 * report.compressed_size / (90 * 70))
    back = latentpress.decompress_file(
        tmp_path / "sub" / "photo.ltp", tmp_path / "back.png", checkpoint=gained
    )
    assert Image.open(tmp_path / "back.png").size == (90, 70)
    assert back.pixels == 90 * 70


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_the_profile_reaches_the_image_file(
    gained: Path, tmp_path: Path, photo: Image.Image, suffix: str
) -> None:
    photo.save(tmp_path / "photo.png", icc_profile=PROFILE)
    latentpress.compress_file(tmp_path / "photo.png", tmp_path / "photo.ltp", checkpoint=gained)
    latentpress.decompress_file(tmp_path / "photo.ltp", tmp_path / f"back{suffix}", checkpoint=gained)
    assert Image.open(tmp_path / f"back{suffix}").info["icc_profile"] == PROFILE


def test_a_phone_photo_stands_upright(gained: Path, tmp_path: Path, photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "photo.jpg", exif=exif)
    latentpress.compress_file(tmp_path / "photo.jpg", tmp_path / "photo.ltp", checkpoint=gained)
    latentpress.decompress_file(tmp_path / "photo.ltp", tmp_path / "back.png", checkpoint=gained)
    back = Image.open(tmp_path / "back.png")
    assert back.size == (70, 90)
    assert 0x0112 not in back.getexif()


def test_a_file_that_exists_is_kept_unless_told_otherwise(source: Path, gained: Path, tmp_path: Path) -> None:
    target = tmp_path / "photo.ltp"
    target.write_bytes(b"precious")
    with pytest.raises(ConfigurationError, match="found one"):
        latentpress.compress_file(source, target, checkpoint=gained)
    assert target.read_bytes() == b"precious"
    latentpress.compress_file(source, target, checkpoint=gained, overwrite=True)
    assert target.read_bytes().startswith(b"\x89LTP")


def test_a_failure_leaves_nothing_behind(source: Path, gained: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.ltp").write_bytes(b"\x89LTP\x01")
    (tmp_path / "bad.png").write_bytes(source.read_bytes()[:200])
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(BitstreamError):
        latentpress.decompress_file(tmp_path / "bad.ltp", tmp_path / "out.png", checkpoint=gained)
    with pytest.raises(ImageError):
        latentpress.compress_file(tmp_path / "bad.png", tmp_path / "out.ltp", checkpoint=gained)
    with pytest.raises(ConfigurationError):
        latentpress.compress_file(source, tmp_path / "out.ltp", checkpoint=gained, quality=1000)
    assert sorted(os.listdir(tmp_path)) == before


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ConfigurationError, match="No space left"):
        write_file(tmp_path / "x.ltp", b"data")
    assert os.listdir(tmp_path) == []


def test_an_image_that_its_format_cannot_hold_is_refused(gained: Path, tmp_path: Path) -> None:
    Image.new("RGBA", (9, 9)).save(tmp_path / "photo.png")
    latentpress.compress_file(tmp_path / "photo.png", tmp_path / "photo.ltp", checkpoint=gained)
    with pytest.raises(ImageError, match="JPEG"):
        latentpress.decompress_file(tmp_path / "photo.ltp", tmp_path / "back.jpg", checkpoint=gained)
    assert not (tmp_path / "back.jpg").exists()


@pytest.mark.parametrize("name", ["back.txt", "back", "back.ltp"])
def test_a_target_that_is_no_image_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="suffix"):
        latentpress.decompress_file(tmp_path / "photo.ltp", tmp_path / name)


@pytest.mark.parametrize("content", [None, b"", b"not an image", b"\xff\xd8\xff\xe0garbage"])
def test_a_source_that_is_no_image_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "photo.png").write_bytes(content)
    with pytest.raises(LatentPressError, match="Expected"):
        latentpress.compress_file(tmp_path / "photo.png", tmp_path / "photo.ltp")


def test_files_get_the_permissions_that_the_user_gives_new_files(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        write_file(tmp_path / "x.ltp", b"data")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "x.ltp").stat().st_mode) == 0o640


def test_a_deep_grey_png_becomes_eight_bits(gained: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9), 40000, np.uint16)).save(tmp_path / "deep.png")
    latentpress.compress_file(tmp_path / "deep.png", tmp_path / "deep.ltp", checkpoint=gained)
    latentpress.decompress_file(tmp_path / "deep.ltp", tmp_path / "back.png", checkpoint=gained)
    assert Image.open(tmp_path / "back.png").mode == "L"


def test_what_a_killed_process_left_is_gone_after_the_next_one(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from latentpress._files import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as partial: partial.write_bytes(b'half'); os._exit(9)"
    )
    target = tmp_path / f"{'ü' * 100}.ltp"  # as long as a name in bytes may be, nearly
    subprocess.run([sys.executable, "-c", program, target], check=False)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"half"]
    write_file(target, b"whole")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]


def test_what_another_writes_at_the_same_time_stays(tmp_path: Path) -> None:
    target = tmp_path / "x.ltp"
    with whole_file(target) as first:
        first.write_bytes(b"first")
        with whole_file(target) as second:
            assert second != first
            second.write_bytes(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["x.ltp"]
