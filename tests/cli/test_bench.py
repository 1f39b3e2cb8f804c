"""`latentpress bench` and `latentpress find-close`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from latentpress.cli import main
from latentpress.report.results import read_results

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Calls `latentpress` with these arguments; anything but a clean exit fails the test."""

    def call(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    photo.save(folder / "a.png")
    photo.rotate(180).save(folder / "b.png")
    return folder


def test_one_codec_is_one_record(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "webp.json"
    result = run("bench", "webp", folder, "--quality", "10,90", "-o", out, "--json", "--per-image")
    record = json.loads(result.stdout)
    assert json.loads(out.read_text()) == record
    assert (record["name"], record["points"]) == ("WebP", ["quality 10", "quality 90"])
    assert "libwebp" in record["description"]
    assert [image["source"] for image in record["images"]] == ["a", "b", "a", "b"]
    mean = sum(image["results"]["bpp"] for image in record["images"][:2]) / 2
    assert record["results"]["bpp"][0] == pytest.approx(mean)


def test_several_codecs_are_a_folder_that_others_read(run: Run, folder: Path, tmp_path: Path) -> None:
    given = ["bench", "jpeg", "jpeg2000", folder, "-o", tmp_path / "out", "-j", 2, "-s", "optimize=no"]
    table = run(*given).stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["jpeg.json", "jpeg2000.json"]
    first, second = read_results([tmp_path / "out"])
    assert (first.name, second.name) == ("JPEG", "JPEG 2000")
    assert "standard tables" in first.description
    assert len(first.curve("psnr-rgb").points) == len(first.points) == 8
    assert "JPEG 2000, OpenJPEG" in table


def test_files_of_models_stand_beside_codecs(run: Run, folder: Path, gained: Path) -> None:
    given = ["bench", "latentpress2026", "jpeg", folder, "--quality", 50, "-s", f"checkpoint={gained}"]
    model, jpeg = json.loads(run(*given, "--json").stdout)
    assert (model["name"], jpeg["name"]) == ("latentpress2026", "JPEG")
    assert model["results"]["bpp"][0] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bench", "{folder}"], "name of a codec"),
        (["bench", "jpeg"], "an image or a folder"),
        (["bench", "jpeg", "{folder}", "-s", "optimize"], "subsampling=4:4:4"),
        (["bench", "jpeg", "{folder}", "-s", "speed=3"], "subsampling, optimize"),
        (["bench", "jpeg", "{folder}/nowhere"], "nowhere"),
        (["bench", "gif", "jpeg", "{folder}"], "gif"),
        (["bench", "jpeg", "{folder}", "--quality", "101"], "1 to 100"),
        (["bench", "jpeg", "{folder}", "--perceptual", "vmaf"], "lpips, dists"),
        (["find-close", "jpeg", "{folder}"], "--bpp"),
        (["find-close", "jpeg", "{folder}", "--bpp", "1", "--psnr", "30"], "--bpp"),
        (["find-close", "gif", "{folder}", "--bpp", "1"], "jpeg2000"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, folder: Path, arguments: list[str], message: str
) -> None:
    result = run(*(argument.format(folder=folder) for argument in arguments))
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert result.stdout == ""


def test_a_close_quality_is_a_line_or_a_record(run: Run, folder: Path) -> None:
    given = ["find-close", "jpeg", folder, "--psnr", 34]
    record = json.loads(run(*given, "--json").stdout)
    assert record["target"] == {"psnr-rgb": 34.0}
    assert record["values"]["psnr-rgb"] == pytest.approx(34, abs=0.3)
    line = run(*given).stdout
    assert line.startswith(f"JPEG: quality {record['quality']:g}: bpp ")
    assert "ms-ssim" not in line  # the images are too small for it
