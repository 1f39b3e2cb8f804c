"""The tutorials' commands for classical codecs."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from fake_programs import write_program
from latentpress.utils import bench, find_close


@pytest.fixture
def pictures(tmp_path: Path, photo: Image.Image) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo.resize((192, 176)).save(folder / "a.png")
    photo.resize((176, 192)).save(folder / "b.png")
    return folder


def test_the_record_has_what_the_tutorials_read(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["jpeg", str(pictures), "-q", "20,60"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["name"] == "JPEG"
    assert set(record["results"]) == {"bpp", "psnr-rgb", "ms-ssim-rgb", "encoding_time", "decoding_time"}
    assert [len(values) for values in record["results"].values()] == [2] * 5
    assert record["results"]["bpp"][0] < record["results"]["bpp"][1]


def test_metrics_and_the_quality_of_the_tutorials_are_the_default(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(["webp", str(pictures), "--metrics", "psnr-rgb"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["points"] == ["quality 75"]
    assert set(record["results"]) == {"bpp", "psnr-rgb", "encoding_time", "decoding_time"}


@pytest.mark.parametrize(("codec", "format"), [("jpeg", "JPEG"), ("webp", "WEBP")])
def test_files_are_those_that_pillow_writes_unasked(
    pictures: Path, capsys: pytest.CaptureFixture[str], codec: str, format: str
) -> None:
    assert bench.main([codec, str(pictures), "-q", "40", "--metrics", "psnr-rgb"]) == 0
    record = json.loads(capsys.readouterr().out)
    sizes = []
    for path in sorted(pictures.iterdir()):
        file = io.BytesIO()
        Image.open(path).save(file, format, quality=40)
        sizes.append(len(file.getvalue()))
    assert record["results"]["bpp"][0] == pytest.approx(8 * sum(sizes) / 2 / (192 * 176))


def test_the_flags_of_programs_reach_them(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, config = tmp_path / "calls", tmp_path / "intra.cfg"
    config.write_text("")
    write_program(tmp_path / "bin/EncoderAppStatic", log, work="compress", read="-i", write="-b")
    write_program(tmp_path / "bin/DecoderAppStatic", log, work="decompress", read="-b", write="-o")
    given = ["vtm", str(pictures), "-b", str(tmp_path / "bin"), "-c", str(config), "--rgb", "-q", "30"]
    assert bench.main(given) == 0
    record = json.loads(capsys.readouterr().out)
    assert "RGB 4:4:4" in record["description"]
    assert record["results"]["psnr-rgb"] == [None]  # the stand-ins lose nothing
    assert "infinite" in record["notes"][0]
    assert str(config) in json.loads(log.read_text().splitlines()[0])


def test_a_missing_program_is_one_line(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["bpg", str(pictures), "--encoder-path", "/nowhere/bpgenc"]) == 1
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert printed.err.startswith("bench: error: ")
    assert "/nowhere/bpgenc" in printed.err


def test_qualities_that_are_no_numbers_are_told_by_the_parser(pictures: Path) -> None:
    with pytest.raises(SystemExit):
        bench.main(["jpeg", str(pictures), "-q", "high"])


@pytest.mark.parametrize("options", [["-m", "psnr-rgb"], []])
def test_a_close_quality_is_found_and_saved(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    target = "33" if options else "0.6"
    assert find_close.main([*options, "--save", "webp", str(pictures / "a.png"), target]) == 0
    printed = capsys.readouterr()
    *figures, saved = printed.out.splitlines()
    values = {name: float(value) for name, value in (line.split(": ") for line in figures)}
    assert values["psnr-rgb" if options else "bpp"] == pytest.approx(float(target), rel=0.05)
    assert Image.open(tmp_path / saved).size == (192, 176)
    assert all(line.startswith("target ") for line in printed.err.splitlines())


def test_options_may_follow_the_codec_and_the_target(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["webp", str(pictures / "a.png"), "33"]
    assert find_close.main([*given, "--metric", "psnr-rgb"]) == 0
    after = capsys.readouterr().out
    assert find_close.main(["--metric", "psnr-rgb", *given]) == 0
    assert [line for line in after.splitlines() if "time" not in line] == [
        line for line in capsys.readouterr().out.splitlines() if "time" not in line
    ]


def test_an_image_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_close.main(["jpeg", "nowhere.png", "1"]) == 1
    assert capsys.readouterr().err.startswith("find_close: error: ")
