"""The tutorials' command that measures models on clips."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from latentpress.cli import main as cli
from latentpress.utils.video.eval_model import main
from latentpress.utils.video.plot import main as plot


def test_a_folder_of_clips_becomes_a_curve(
    clips: Path, scale_space_flow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results"
    given = ["checkpoint", clips, out, "-a", "ssf2020", "-p", scale_space_flow, "--frames", "3", "-v"]
    assert main([*map(str, given), "--keep_binaries"]) == 0
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    assert record["name"] == "ssf2020-mse"
    assert record["description"] == "Inference (ans)"
    assert [len(record["results"][key]) for key in ("bpp", "psnr-rgb", "psnr-yuv", "ms-ssim-rgb")] == [1] * 4
    assert [image["source"] for image in record["images"]] == ["a", "deep/b"]
    mean = sum(image["results"]["psnr-y"] for image in record["images"]) / 2
    assert record["results"]["psnr-y"][0] == pytest.approx(mean)
    assert "skipped: Expected" in printed.err
    assert "psnr-yuv" in printed.err
    assert json.loads((out / "ssf2020-ans.json").read_text()) == record
    assert len(list(out.rglob("*.json"))) == 3
    kept = sorted(out.rglob("*.ltp"))
    assert [path.name[:9] for path in kept] == ["a-ssf2020", "b-ssf2020"]
    bits = 8 * kept[0].stat().st_size
    assert 0 < bits - record["images"][0]["results"]["bpp"] * 3 * 37 * 21 < 8 * 200  # what is around strings


def test_estimates_and_rates_of_one_network(
    clips: Path, gained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        "checkpoint",
        clips,
        "-a",
        "latentpress2026",
        "-p",
        gained,
        "-q",
        "20,80",
        "--entropy-estimation",
    ]
    assert main([*map(str, given), "--frames", "1"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["points"] == [f"{gained}, quality 20", f"{gained}, quality 80"]
    assert record["results"]["bpp"][0] < record["results"]["bpp"][1]
    assert "encoding_time" not in record["results"]
    (tmp_path / "r.json").write_text(json.dumps(record))
    pytest.importorskip("matplotlib", reason="matplotlib is absent: pip install 'latentpress[report]'")
    assert plot(["-f", str(tmp_path / "r.json"), "-o", str(tmp_path / "r.svg")]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pretrained", "-a", "ssf2020", "-q", "x"], "numbers"),
        (["pretrained", "-a", "nothing-like-it"], "valid are"),
        (["pretrained", "-a", "ssf2020", "-q", "11"], "quality"),
        (["pretrained", "-a", "ssf2020", "--keep_binaries"], "output folder"),
    ],
)
def test_an_error_is_one_sentence(
    clips: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([arguments[0], str(clips), *arguments[1:]]) == 1
    error = capsys.readouterr().err
    assert error.startswith("eval_model: error: ")
    assert message in error
    assert len(error.splitlines()) == 1


def test_latentpress_eval_takes_clips(clips: Path, scale_space_flow: Path, tmp_path: Path) -> None:
    given = ["eval", clips, "--model", "ssf2020", "--checkpoint", scale_space_flow, "--frames", "2"]
    given.append("--per-image")
    result = CliRunner().invoke(cli, [*map(str, given), "--json"])
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert {"psnr-y", "psnr-u", "psnr-v", "psnr-yuv", "bitrate"} <= set(record["results"])
    assert len(record["images"]) == 2
    assert "broken" in result.stderr
    table = CliRunner().invoke(cli, [*map(str, given), "--gop", "1"], env={"COLUMNS": "160"}).stdout
    assert "6:1:1" in table
    assert "means over 2 videos" in table
