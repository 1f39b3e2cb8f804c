"""examples/train_video.py, called with the tutorial's flags, and what a few steps teach a small model."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress import zoo
from latentpress.codec.video.sinks import RawSink
from latentpress.datasets import open_clip
from latentpress.models.video import ScaleSpaceFlow
from latentpress.training import Trainer, TrainingSettings
from latentpress.training.checkpoints import load_state
from scripts import load_script
from small_videos import LAYOUT, moving

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "train_video.py"
FLAGS = """-m ssf2020 -e 1 -lr 1e-4 -n 0 --lambda 0.01 --batch-size 1 --test-batch-size 1
    --aux-learning-rate 1e-3 --patch-size 128 128 --save --seed 3 --clip_max_norm 1.0 --frames 2"""


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load_script(EXAMPLE)


def raw_clips(folder: Path) -> None:
    layout = replace(LAYOUT, width=130, height=128)
    with (folder / "clip.y4m").open("wb") as file:
        sink = RawSink(file, layout, y4m=True)
        for frame in moving(2, layout):
            sink.write(frame)


def sequences(folder: Path) -> None:
    (folder / "train.list").write_text("one\n")
    (folder / "test.list").write_text("one\n")
    (folder / "sequences" / "one").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (2, 128, 128, 3), dtype=np.uint8)
    for number, frame in enumerate(pixels, 1):
        Image.fromarray(frame).save(folder / "sequences" / "one" / f"im{number}.png")


@pytest.mark.parametrize("fill", [raw_clips, sequences])
def test_the_tutorials_flags_train_a_model_that_codes(
    example: ModuleType, tmp_path: Path, fill: object
) -> None:
    assert callable(fill)
    (tmp_path / "data").mkdir()
    fill(tmp_path / "data")
    flags = [*FLAGS.split(), "-d", str(tmp_path / "data"), "--run", str(tmp_path / "run")]
    assert example.main([*flags, "--arguments", '{"N": 4, "M": 8}']) == 0
    assert load_state(tmp_path / "run" / "last.pt")["settings"]["seed"] == 3
    model = zoo.create("ssf2020", checkpoint=tmp_path / "run" / "weights.safetensors")
    strings, shapes = model.compress([torch.rand(1, 3, 128, 128)] * 2)
    assert len(model.decompress(strings, shapes)) == 2


def test_an_error_is_a_sentence(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example.main(["-d", str(tmp_path / "nowhere"), "--run", str(tmp_path / "run")]) == 1
    assert capsys.readouterr().err.startswith("train_video.py: error: Expected ")


def test_a_few_steps_on_a_real_clip_halve_the_loss(shared: Path) -> None:
    pytest.importorskip("av", reason="PyAV is absent: pip install 'latentpress[video]'")
    clip = open_clip(shared / "data" / "video" / "carphone_pristine.mp4")
    frames = [clip.rgb(frame)[:, 8:136, 20:148] for frame in islice(clip, 6)]
    settings = TrainingSettings().override({"model": "ssf2020", "lmbda": 0.02, "lr": 2e-3, "aux_lr": 1e-2})
    trainer = Trainer(ScaleSpaceFlow(N=8, M=12), settings, steps=14)
    runs = [torch.stack(frames[start : start + 2])[None] for start in (0, 2, 4)]
    steps = [trainer.train_step([runs[number % 3]]) for number in range(14)]
    assert steps[-1]["loss"] < 0.5 * steps[0]["loss"]
    assert steps[-1]["aux"] < steps[0]["aux"]
    assert len(trainer.model.aux_loss()) == 3
