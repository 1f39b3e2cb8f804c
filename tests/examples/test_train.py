"""examples/train.py, called with the tutorial's flags."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from latentpress import zoo
from latentpress.training.checkpoints import load_state
from scripts import load_script

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "train.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load_script(EXAMPLE)


def test_the_tutorials_flags_train_a_model_that_loads(example: ModuleType, tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / split / "noise.png")
    flags = f"""-m bmshj2018-factorized -d {tmp_path} -e 1 -lr 1e-4 -n 0 --lambda 0.01 --batch-size 1
        --test-batch-size 1 --aux-learning-rate 1e-3 --patch-size 64 64 --save --seed 3 --clip_max_norm 1.0
        --run {tmp_path / "run"}"""
    assert example.main(flags.split()) == 0
    assert load_state(tmp_path / "run" / "last.pt")["settings"]["seed"] == 3
    weights = tmp_path / "run" / "weights.safetensors"
    assert zoo.create("bmshj2018-factorized", checkpoint=weights).M == 192

    again = [*flags.split()[:-1], str(tmp_path / "other"), "--checkpoint", str(tmp_path / "run" / "best.pt")]
    assert example.main(again) == 0


def test_an_error_is_a_sentence(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example.main(["-d", str(tmp_path / "nowhere"), "--run", str(tmp_path / "run")]) == 1
    assert capsys.readouterr().err.startswith("train.py: error: Expected a folder of images")
