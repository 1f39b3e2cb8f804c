"""Training checkpoints become files to publish, and `update_model` is the command for it."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from latentpress import zoo
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.utils.export import export_checkpoint
from latentpress.utils.update_model import main


def exported(*arguments: object, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main([str(argument) for argument in arguments]) == 0
    return Path(capsys.readouterr().out.strip())


def test_the_command_of_the_tutorial_runs_as_a_module(trained: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "latentpress.utils.update_model"]
    arguments = ["--architecture", "mbt2018-mean", str(trained)]
    done = subprocess.run(
        [*command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    path = tmp_path / done.stdout.strip()
    assert re.fullmatch(r"trained-[0-9a-f]{8}\.pth\.tar", path.name)
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.name[8:16])


def test_the_file_is_a_bare_state_dict_with_tables(
    trained: Path, tmp_path: Path, interop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = exported(
        "-a", "mbt2018-mean", "-n", "net", "-d", tmp_path / "new" / "folder", trained, capsys=capsys
    )
    assert re.fullmatch(r"net-[0-9a-f]{8}\.pth\.tar", path.name)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    state = torch.load(path, weights_only=True)
    manifest = json.loads((interop / "state_dicts.json").read_text())["mbt2018-mean"]["configs"]
    assert set(state) == set(next(iter(manifest.values()))["state_dict"])
    assert state["gaussian_conditional._quantized_cdf"].shape[0] == 64


@pytest.mark.parametrize("format", ["pth.tar", "safetensors"])
def test_the_zoo_reads_the_file_and_codes_with_its_tables(trained: Path, tmp_path: Path, format: str) -> None:
    path = export_checkpoint(trained, "mbt2018-mean", directory=tmp_path, format=format)
    model = zoo.create("mbt2018-mean", checkpoint=path)
    coded = model.compress(torch.rand(1, 3, 64, 64))
    assert model.decompress(coded["strings"], coded["shape"])["x_hat"].shape == (1, 3, 64, 64)
    original = zoo.load_checkpoint(trained, architecture="mbt2018-mean")
    assert zoo.fingerprint(model) == zoo.fingerprint(original)


def test_a_safetensors_file_names_its_architecture(trained: Path, tmp_path: Path) -> None:
    path = export_checkpoint(trained, "mbt2018-mean", directory=tmp_path)
    assert re.fullmatch(r"trained-[0-9a-f]{8}\.safetensors", path.name)
    assert zoo.load_checkpoint(path).M == 12
    again = export_checkpoint(path, name="again", directory=tmp_path)
    assert again.name.split("-")[1] == path.name.split("-")[1]


def test_old_spellings_give_the_same_file(trained: Path, old_spelling: Path, tmp_path: Path) -> None:
    paths = [
        export_checkpoint(source, "mbt2018-mean", name="x", directory=tmp_path, format="pth.tar")
        for source in (trained, old_spelling)
    ]
    assert paths[0] == paths[1]


def test_tables_are_rebuilt_or_kept(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def table(path: Path) -> torch.Tensor:
        return torch.load(path, weights_only=True)["entropy_bottleneck._quantized_cdf"]

    model = zoo.load_checkpoint(trained, architecture="mbt2018-mean")
    right = model.entropy_bottleneck._quantized_cdf.clone()
    model.entropy_bottleneck._quantized_cdf.zero_()
    torch.save(model.state_dict(), tmp_path / "stale.pth.tar")
    shared = ["-a", "mbt2018-mean", "-d", tmp_path]
    assert table(exported(*shared, trained, "--no-update", capsys=capsys)).numel() == 0
    assert torch.equal(table(exported(*shared, tmp_path / "stale.pth.tar", capsys=capsys)), right)
    kept = table(exported(*shared, tmp_path / "stale.pth.tar", "--no-update", capsys=capsys))
    assert kept.shape == right.shape
    assert not kept.any()


def test_names_of_older_tutorials_are_understood(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = exported("-a", "mean-scale-hyperprior", "-d", tmp_path, trained, capsys=capsys)
    assert path.is_file()


def test_a_class_of_ones_own_is_exported(trained: Path, tmp_path: Path) -> None:
    path = export_checkpoint(trained, "latentpress.models:MeanScaleHyperprior", directory=tmp_path)
    assert zoo.load_checkpoint(path).N == 8


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"architecture": None}, "architecture"),
        ({"architecture": "mbt2018-meen"}, "mbt2018-mean"),
        ({"name": "a/b"}, "a/b"),
        ({"format": "onnx"}, "onnx"),
    ],
)
def test_a_wrong_argument_is_an_error(
    trained: Path, tmp_path: Path, given: dict[str, str | None], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        export_checkpoint(trained, **{"architecture": "mbt2018-mean", "directory": tmp_path, **given})


def test_what_goes_wrong_is_one_line_and_leaves_nothing_behind(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for arguments in (
        [tmp_path / "missing.pth.tar"],
        [trained, "-a", "bmshj2018-factorized"],
        [trained, "-a", "mbt2018-mean", "-d", trained],
    ):
        assert main([str(argument) for argument in ["-d", out, *arguments]]) == 1
        printed = capsys.readouterr()
        assert (printed.out, len(printed.err.splitlines())) == ("", 1)
        assert printed.err.startswith("update_model: error: ")
    assert not out.exists()


def test_an_interrupted_write_leaves_nothing_behind(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(WeightsError, match="No space left"):
        export_checkpoint(trained, "mbt2018-mean", directory=tmp_path / "out", format="pth.tar")
    assert list((tmp_path / "out").iterdir()) == []
