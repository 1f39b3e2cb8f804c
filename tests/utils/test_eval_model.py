"""`eval_model` with the tutorial's flags."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from latentpress import zoo
from latentpress.utils import eval_model
from latentpress.utils.eval_model import main
from latentpress.utils.export import export_checkpoint

COMMON = {"psnr-rgb", "psnr", "ms-ssim-rgb", "ms-ssim", "bpp", "encoding_time", "decoding_time"}


def record_of(*arguments: object, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([str(argument) for argument in arguments]) == 0
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    return record


def test_the_command_of_the_tutorial_runs_as_a_module(trained: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "latentpress.utils.eval_model", "checkpoint", str(folder)]
    done = subprocess.run(
        [*command, "-a", "mbt2018-mean", "-p", str(trained), "-v"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    record = json.loads(done.stdout)
    assert (record["name"], record["description"]) == ("mbt2018-mean-mse", "Inference (ans)")
    assert set(record["results"]) >= COMMON
    assert {len(values) for values in record["results"].values()} == {1}
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        str(folder / "a.png"), str(folder / "b.png"),
    ]  # fmt: skip


def test_checkpoints_before_and_after_the_export_measure_the_same(
    trained: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = export_checkpoint(trained, "mbt2018-mean", directory=tmp_path, format="pth.tar")
    results = record_of(
        "checkpoint", folder, "-a", "mbt2018-mean", "-p", trained, published, "--no-update", capsys=capsys
    )["results"]
    assert results["bpp"][0] == results["bpp"][1] > 0
    assert results["psnr"][0] == results["psnr"][1]


def test_results_go_into_a_folder_on_request(
    trained: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    record = record_of(
        "checkpoint", folder, "-a", "mbt2018-mean", "-p", trained, "-d", out, "--per-image", capsys=capsys
    )
    assert json.loads((out / "mbt2018-mean-ans.json").read_text()) == record
    image = json.loads((out / "b-trained-ans.json").read_text())
    assert image["source"] == "b"
    assert image["results"] == record["images"][1]["results"]
    assert sorted(path.name for path in out.iterdir()) == [
        "a-trained-ans.json", "b-trained-ans.json", "mbt2018-mean-ans.json",
    ]  # fmt: skip
    assert record["results"]["bpp"][0] == pytest.approx(
        sum(found["results"]["bpp"] for found in record["images"]) / 2
    )


def test_the_file_can_be_named(
    trained: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_of(
        "checkpoint", folder / "a.png", "-a", "mbt2018-mean", "-p", trained, "--entropy-estimation",
        "-d", tmp_path / "out", "-o", "mine.json", capsys=capsys,
    )  # fmt: skip
    record = json.loads((tmp_path / "out" / "mine.json").read_text())
    assert record["description"] == "Inference (entropy estimation)"


@pytest.mark.parametrize(
    "arguments", [["{folder}", "-q", "20,80"], ["-q", "20", "80", "{folder}"], ["-q", "20,80", "{folder}"]]
)
def test_qualities_are_listed_with_commas_or_spaces_before_or_after_the_dataset(
    folder: Path, gained: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [argument.format(folder=folder / "a.png") for argument in arguments]
    record = record_of(
        "checkpoint", "-p", gained, "-a", "latentpress2026", "--entropy-estimation", *arguments, capsys=capsys
    )
    assert record["points"] == [f"{gained}, quality 20", f"{gained}, quality 80"]
    assert len(record["results"]["bpp"]) == 2


def test_pretrained_weights_are_those_of_the_qualities(
    folder: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def create(name: str, **given: object) -> object:
        asked.append((name, given))
        return zoo.load_checkpoint(trained, architecture="mbt2018-mean")

    monkeypatch.setattr("latentpress.evaluation.networks.zoo.create", create)
    record = record_of(
        "pretrained", folder / "a.png", "-a", "mbt2018-mean", "-q", 1, 2, "-m", "ms-ssim", capsys=capsys
    )
    assert asked == [
        ("mbt2018-mean", {"quality": quality, "metric": "ms-ssim", "pretrained": True}) for quality in (1, 2)
    ]
    assert (record["name"], record["points"]) == ("mbt2018-mean-ms-ssim", ["quality 1", "quality 2"])


def test_flags_reach_the_networks(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    networks = []

    def evaluate(subjects: Any, images: Any, **_: Any) -> list[Any]:
        networks.extend(subject.network for subject in subjects)
        return []

    monkeypatch.setattr(eval_model, "evaluate", evaluate)
    shared = [str(folder), "-a", "mbt2018-mean"]
    assert main(["pretrained", *shared, "--cuda", "--half"]) == 0
    assert main(["checkpoint", *shared, "-p", "x.pth.tar"]) == 0
    assert main(["checkpoint", *shared, "-p", "x.pth.tar", "--no-update"]) == 0
    assert [(n.quality, n.device, n.half, n.update) for n in networks] == [
        (1, "cuda", True, False), (None, "cpu", False, True), (None, "cpu", False, False),
    ]  # fmt: skip


def test_an_unreadable_image_is_reported_and_left_out(
    trained: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "c.jpg").write_bytes(b"broken")
    assert main(["checkpoint", str(folder), "-a", "mbt2018-mean", "-p", str(trained), "--per-image"]) == 0
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    assert [image["source"] for image in record["images"]] == ["a", "b"]
    assert list(record["skipped"]) == [str(folder / "c.jpg")]
    assert "c.jpg" in printed.err


def test_what_goes_wrong_is_one_line(
    trained: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    shared = ["-a", "mbt2018-mean", "-p", str(trained)]
    for arguments, message in (
        (["checkpoint", str(tmp_path / "empty"), *shared], "empty"),
        (["checkpoint", str(tmp_path / "nowhere"), *shared], "nowhere"),
        (["checkpoint", str(folder), "-a", "mbt2018-mean", "-p", "missing.pth.tar"], "missing.pth.tar"),
        (["checkpoint", str(folder), "-a", "mbt2018-meen", "-p", str(trained)], "mbt2018-mean"),
        (["pretrained", str(folder), "-a", "mbt2018-mean", "-q", "9"], "found 9"),
        (["pretrained", str(folder), "-a", "mbt2018-mean", "-q", "one"], "one"),
    ):
        assert main(arguments) == 1
        printed = capsys.readouterr()
        assert (printed.out, len(printed.err.splitlines())) == ("", 1)
        assert printed.err.startswith("eval_model: error: ")
        assert message in printed.err


def test_usage_errors_are_told_by_the_parser(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["pretrained", "-a", "mbt2018-mean"], ["checkpoint", "folder", "-a", "x"]):
        with pytest.raises(SystemExit):
            main(arguments)
        assert "usage: " in capsys.readouterr().err
