"""`compress`, `decompress` and `info` with videos."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from latentpress.cli import main
from latentpress.codec.video.sinks import RawSink
from latentpress.datasets import RawVideoSequence
from small_videos import LAYOUT, moving, write_coded

Run = Callable[..., Result]


@pytest.fixture
def run(scale_space_flow: Path) -> Run:
    def call(*arguments: object) -> Result:
        given = [*map(str, arguments)]
        if given[0] != "info":
            given += ["--checkpoint", str(scale_space_flow)]
        result = CliRunner().invoke(main, given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.y4m"
    with path.open("wb") as file:
        sink = RawSink(file, LAYOUT, y4m=True)
        for frame in moving(5):
            sink.write(frame)
    return path


SSF = ("--model", "ssf2020", "--gop", 2)


def test_a_clip_goes_there_and_back(run: Run, clip: Path) -> None:
    result = run("compress", clip, "-o", clip.with_suffix(".ltp"), *SSF)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "5 frames" in result.stderr
    assert "frames/s" in result.stderr
    back = clip.with_name("back.y4m")
    assert run("decompress", clip.with_suffix(".ltp"), "-o", back).exit_code == 0
    assert len(RawVideoSequence.from_file(back)) == 5
    pytest.importorskip("av", reason="PyAV is absent: pip install 'latentpress[video]'")
    assert run("decompress", clip.with_suffix(".ltp")).exit_code == 0
    assert clip.with_suffix(".mp4").exists()


@pytest.mark.parametrize("name", ["clip.h264", "CLIP.264", "clip.stream", "clip"])
def test_a_stream_without_a_container_is_a_video(run: Run, tmp_path: Path, name: str) -> None:
    write_coded(tmp_path / name, range(10), Fraction(1, 50), kind="h264")
    result = run("compress", tmp_path / name, "-o", tmp_path / "x.ltp", *SSF)
    assert result.exit_code == 0, result.stderr
    assert "10 frames" in result.stderr
    record = json.loads(run("info", tmp_path / "x.ltp", "--json").stdout)[0]
    assert (record["frames"], record["framerate"], record["seconds"]) == (10, "50", 0.2)


def test_a_picture_of_an_unknown_name_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.stream").write_bytes(b"\0\0\0\x1cftypavif")
    assert "Expected an image" in run("compress", tmp_path / "x.stream").stderr


def test_a_part_goes_to_the_standard_output(run: Run, clip: Path) -> None:
    run("compress", clip, *SSF)
    result = run(
        "decompress", clip.with_suffix(".ltp"), "-o", "-", "--frames", "1:3", "--pixel-format", "yuv444p10"
    )
    assert result.exit_code == 0
    assert result.stdout_bytes.startswith(b"YUV4MPEG2 W37 H21 F30000:1001 Ip A1:1 C444p10 ")
    assert result.stdout_bytes.count(b"FRAME\n") == 2
    assert run("compress", clip, "-o", "-", *SSF).stdout_bytes == clip.with_suffix(".ltp").read_bytes()


def test_a_damaged_clip_is_written_and_told_with_a_status_of_its_own(run: Run, clip: Path) -> None:
    run("compress", clip, *SSF)
    data = bytearray(clip.with_suffix(".ltp").read_bytes())
    data[len(data) // 2] ^= 1
    clip.with_suffix(".ltp").write_bytes(data)
    result = run("decompress", clip.with_suffix(".ltp"), "-o", clip.with_name("back.y4m"))
    assert result.exit_code == 3
    assert "are damaged and repeat the one before." in result.stderr
    assert len(RawVideoSequence.from_file(clip.with_name("back.y4m"))) == 5
    (record,) = json.loads(run("info", "--json", clip.with_suffix(".ltp")).stdout)
    assert (record["damaged"], record["missing_frames"], record["frames"]) == (True, 1, 4)
    assert "1 frames are missing" in run("info", clip.with_suffix(".ltp")).stdout


def test_a_cut_original_is_compressed_as_far_as_it_goes(run: Run, clip: Path) -> None:
    clip.write_bytes(clip.read_bytes()[:-100])
    result = run("compress", clip, *SSF)
    assert result.exit_code == 3
    assert "cut after 4 whole frames" in result.stderr
    assert json.loads(run("info", clip.with_suffix(".ltp"), "--json").stdout)[0]["frames"] == 4


def test_info_tells_what_a_video_holds(run: Run, clip: Path) -> None:
    run("compress", clip, *SSF)
    (record,) = json.loads(run("info", "--json", clip.with_suffix(".ltp")).stdout)
    assert (record["width"], record["height"], record["framerate"]) == (37, 21, "30000/1001")
    assert (record["frames"], record["keyframes"], record["gop"]) == (5, 3, 2)
    assert (record["model"], record["damaged"], record["complete"]) == ("ssf2020", False, True)
    table = run("info", clip.with_suffix(".ltp")).stdout
    assert "5, 30000/1001 a second, 3 of them keyframes" in table
    cut = clip.with_name("cut.ltp")
    cut.write_bytes(clip.with_suffix(".ltp").read_bytes()[:-30])
    assert "without the end" in run("info", cut).stdout


def test_a_folder_of_images_and_videos_is_done_with_one_model(
    clip: Path, photo: Image.Image, gained: Path, tmp_path: Path
) -> None:
    photo.save(tmp_path / "photo.png")
    shared = ["--checkpoint", str(gained), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(main, ["compress", str(tmp_path), *shared])
    assert result.exit_code == 0
    assert "2 of 2 files compressed" in result.stderr
    shared[-1] = str(tmp_path / "back")
    result = CliRunner().invoke(main, ["decompress", str(tmp_path / "out"), *shared, "--jobs", "1"])
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["clip.mp4", "photo.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target-bpp", "1"], "Expected an image for --target-bpp"),
        (["--quality", "2.5"], "whole quality"),
        (["--model", "qarv-base"], "qarv-base"),
        (["--matrix", "bt709", "--size", "30x20"], "damaged"),
    ],
)
def test_a_wrong_option_is_one_sentence(run: Run, clip: Path, arguments: list[str], message: str) -> None:
    result = run("compress", clip, *SSF, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_options_of_videos_are_refused_for_images(run: Run, photo: Image.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "photo.png")
    result = run("compress", tmp_path / "photo.png", "--gop", 3)
    assert (result.exit_code, "Expected a video for --gop" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [["--size", "big"], ["--fps", "0"], ["--fps", "1/0"], ["--gop", "0"]])
def test_wrong_usage_is_told_by_click(run: Run, clip: Path, arguments: list[str]) -> None:
    assert run("compress", clip, *arguments).exit_code == 2
    assert run("decompress", clip, "--frames", "5").exit_code == 2
