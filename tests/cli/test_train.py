"""`latentpress train`."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from latentpress import zoo
from latentpress.cli import main
from latentpress.training.checkpoints import load_state

NETWORK = ["--model", "bmshj2018-factorized", "--arguments", '{"N": 4, "M": 6}', "--no-tensorboard"]
SIZE = ["--batch-size", "2", "--patch-size", "64", "--workers", "0", "--device", "cpu"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a training and a test split."""
    random = np.random.default_rng(0)
    for split, count in (("train", 4), ("test", 1)):
        (tmp_path / "photos" / split).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 255, (80, 100, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / split / f"{number}.png")
    return tmp_path / "photos"


def test_a_run_trains_validates_and_goes_on_with_its_settings(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ["train", "--data", str(photos), "--run", str(run), "--lambda", "0.01", *NETWORK, *SIZE]
    result = CliRunner().invoke(main, [*command, "--epochs", "1"])
    assert result.exit_code == 0, result.output
    assert "validation: loss" in result.output
    assert zoo.create("bmshj2018-factorized", checkpoint=run / "weights.safetensors").M == 6

    result = CliRunner().invoke(main, ["train", "--run", str(run), "--epochs", "2"])
    assert result.exit_code == 0, result.output
    state = load_state(run / "last.pt")
    assert state["step"] == 4
    assert state["settings"]["lmbda"] == 0.01
    assert json.loads((run / "settings.json").read_text())["data"]["patch_size"] == 64


@pytest.mark.parametrize("place", ["photos/train/0.png", "photos/train/0.png/run", "/proc/run"])
def test_a_folder_that_cannot_be_made_is_one_sentence(photos: Path, tmp_path: Path, place: str) -> None:
    command = ["train", "--data", str(photos), "--lambda", "0.01", "--epochs", "1", *NETWORK, *SIZE]
    result = CliRunner().invoke(main, [*command, "--run", str(tmp_path / place)])
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("latentpress: error: Expected a folder for the run at ")
    assert len(result.stderr.splitlines()) == 1


def test_a_settings_file_reproduces_a_run(photos: Path, tmp_path: Path) -> None:
    command = ["train", "--data", str(photos), "--lambda", "0.01", "--epochs", "1", *NETWORK, *SIZE]
    assert CliRunner().invoke(main, [*command, "--run", str(tmp_path / "a")]).exit_code == 0
    again = ["train", "--config", str(tmp_path / "a" / "settings.json"), "--run", str(tmp_path / "b")]
    assert CliRunner().invoke(main, again).exit_code == 0
    a, b = ((tmp_path / run / "weights.safetensors").read_bytes() for run in "ab")
    assert a == b


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "mbt2017"], "did you mean mbt2018"),
        (["--model", "mbt2018", "--data", "."], "quality"),
        (["--model", "mbt2018", "--quality", "1"], "folder of training images"),
        (["--model", "mbt2018", "--quality", "1", "--device", "abacus"], "abacus"),
    ],
)
def test_what_cannot_be_trained_is_an_error_of_one_sentence(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(main, ["train", "--run", str(tmp_path / "run"), *arguments])
    assert result.exit_code == 1
    assert result.output.startswith("latentpress: error: ")
    assert result.output.count("\n") == 1
    assert message in result.output


def test_model_and_data_may_be_given_first(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = ["--run", str(run), "--lambda", "0.01", "--epochs", "1", *SIZE]
    size = NETWORK[2:]
    result = CliRunner().invoke(main, ["train", NETWORK[1], str(photos), *options, *size])
    assert result.exit_code == 0, result.output
    assert load_state(run / "last.pt")["settings"]["model"] == NETWORK[1]
    twice = ["train", NETWORK[1], "--model", "another", "--run", str(run)]
    assert "expected one model" in CliRunner().invoke(main, twice).output
