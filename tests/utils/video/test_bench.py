"""Other people's codecs, through ffmpeg."""

import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from latentpress.codec.video.sinks import RawSink
from latentpress.datasets.rawformat import VideoFormat
from latentpress.evaluation.ffmpeg import VIDEO_CODECS, CodecOnClips
from latentpress.utils.video.bench import main
from small_videos import LAYOUT, moving

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="the program ffmpeg is absent: apt-get install ffmpeg"
)


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return path


@needs_ffmpeg
@pytest.mark.parametrize("codec", list(VIDEO_CODECS))
def test_every_codec_gives_real_rates_and_distortions(
    codec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = replace(LAYOUT, width=192, height=176)
    with (tmp_path / "clip.y4m").open("wb") as file:
        sink = RawSink(file, layout, y4m=True)
        for frame in moving(4, layout):
            sink.write(frame)
    good, bad = VIDEO_CODECS[codec].qualities[0], VIDEO_CODECS[codec].qualities[-1]
    assert main([codec, str(tmp_path), str(tmp_path / "out"), "-q", str(good), str(bad)]) == 0
    record = json.loads(capsys.readouterr().out)
    results = record["results"]
    assert record["points"] == [f"crf {good}", f"crf {bad}"]
    for key in ("bpp", "bitrate", "psnr-y", "psnr-rgb", "psnr-yuv", "ms-ssim-rgb"):
        assert results[key][0] > results[key][1], key
    assert 30 < results["psnr-y"][0] < 80
    assert results["bitrate"][0] == pytest.approx(results["bpp"][0] * 192 * 176 * 30000 / 1001 / 1000)
    assert len(list((tmp_path / "out").iterdir())) == 3


@needs_ffmpeg
def test_ten_bits_and_full_chroma_go_through(tmp_path: Path) -> None:
    layout = replace(LAYOUT, width=64, height=48, bitdepth=10, format=VideoFormat.YUV444, framerate=None)
    with (tmp_path / "clip.y4m").open("wb") as file:
        sink = RawSink(file, layout, y4m=True)
        for frame in moving(3, layout):
            sink.write(frame)
    values = CodecOnClips("x264", 15, frames=2, gop=1, tune="psnr").measure(tmp_path / "clip.y4m").values
    assert values["bitrate"] is None
    assert values["psnr-yuv"] is not None
    assert values["psnr-yuv"] > 35


def test_a_missing_ffmpeg_is_one_sentence(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["x264", str(clips), "--ffmpeg", str(clips / "no-ffmpeg")]) == 1
    error = capsys.readouterr().err
    assert "bench: error: Expected the program" in error
    assert "apt-get install ffmpeg" in error
    assert len(error.splitlines()) == 1


def test_an_ffmpeg_without_the_encoder_is_one_sentence(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = program(tmp_path / "ffmpeg", "echo \"Unknown encoder 'libsvtav1'\" >&2; exit 1")
    assert main(["SVT-AV1", str(clips), "--ffmpeg", str(fake)]) == 1
    error = capsys.readouterr().err
    assert "Expected an ffmpeg with libsvtav1, found: Unknown encoder 'libsvtav1'" in error
    assert len(error.splitlines()) == 1


def test_a_clip_that_a_codec_refuses_is_left_out_and_named(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = program(tmp_path / "ffmpeg", 'cat > /dev/null; echo "width not divisible by 2" >&2; exit 1')
    assert main(["x264", str(clips), "--ffmpeg", str(fake), "-q", "20"]) == 1
    error = capsys.readouterr().err
    assert error.count("bench: skipped: ") == 3
    assert "width not divisible by 2" in error
    assert "Expected at least one clip" in error
