"""`latentpress update`."""

import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from latentpress import zoo
from latentpress.cli import main
from latentpress.models import MeanScaleHyperprior
from latentpress.utils import update_model


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """What training saves of a small mbt2018-mean."""
    torch.save({"epoch": 1, "state_dict": MeanScaleHyperprior(8, 12).state_dict()}, tmp_path / "net.pth.tar")
    return tmp_path / "net.pth.tar"


def test_a_checkpoint_becomes_a_file_that_names_its_architecture(trained: Path, tmp_path: Path) -> None:
    arguments = ["update", str(trained), "--model", "mbt2018-mean", "--name", "mine", "--dir", str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    path = Path(result.stdout.strip())
    assert re.fullmatch(r"mine-[0-9a-f]{8}\.safetensors", path.name)
    assert zoo.load_checkpoint(path).M == 12


def test_it_writes_what_the_tutorials_command_writes(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = [str(trained), "-a", "mbt2018-mean"]
    assert update_model.main([*shared, "-d", str(tmp_path / "one")]) == 0
    theirs = Path(capsys.readouterr().out.strip())
    result = CliRunner().invoke(main, ["update", *shared, "-d", str(tmp_path / "two"), "--format", "pth.tar"])
    assert Path(result.stdout.strip()).name == theirs.name


def test_a_checkpoint_that_does_not_say_what_it_is_is_one_sentence(trained: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["update", str(trained), "-d", str(tmp_path / "out")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("latentpress: error: ")
    assert "architecture" in result.stderr
    assert len(result.stderr.splitlines()) == 1
