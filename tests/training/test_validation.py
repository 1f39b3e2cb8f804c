"""Validation: the same means however images are put together, and over sequences of frames."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress.errors import DataError, ImageError
from latentpress.models import FactorizedPrior
from latentpress.training import Objective, train
from latentpress.training.processes import Processes
from latentpress.training.validation import ValidationSet, validate

CPU = torch.device("cpu")


def save_noise(path: Path, height: int, width: int, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number, (height, width) in enumerate([(32, 48), (48, 32), (32, 50), (32, 48), (10, 10)]):
        save_noise(tmp_path / "pictures" / f"{number}.png", height, width, number)
    return tmp_path / "pictures"


def test_means_do_not_depend_on_how_many_images_are_measured_at_once(pictures: Path) -> None:
    model, alone = FactorizedPrior(4, 6), Processes(0, 1, CPU)
    results = [
        validate(model, Objective(lmbda=0.01), ValidationSet(pictures, 16, batch=batch), alone, 4)
        for batch in (1, 2, 64)
    ]
    for result in results[1:]:
        assert result.means == pytest.approx(results[0].means, rel=1e-5)
        assert result.reconstructions.keys() == results[0].reconstructions.keys() == {"0", "1", "2", "3"}
        for name, picture in result.reconstructions.items():
            torch.testing.assert_close(picture, results[0].reconstructions[name])
    assert model.training


def test_images_of_one_size_come_together_and_small_ones_not_at_all(pictures: Path) -> None:
    assert list(ValidationSet(pictures, 16, batch=2).batches()) == [["0", "2"], ["3"], ["1"]]
    assert list(ValidationSet(pictures, 16, batch=8, limit=2).batches()) == [["0"], ["1"]]
    with pytest.raises(ImageError, match="at least 64 pixels"):
        ValidationSet(pictures, 64)


def test_each_process_measures_its_share(pictures: Path) -> None:
    model = FactorizedPrior(4, 6)
    chosen, objective = ValidationSet(pictures, 16), Objective(lmbda=0.01)

    class Pretending(Processes):
        def sums(self, values: Any) -> Any:
            return dict(values)

    whole = validate(model, objective, chosen, Pretending(0, 1, CPU)).means
    shares = [validate(model, objective, chosen, Pretending(rank, 3, CPU)).means for rank in range(3)]
    for name, value in whole.items():
        assert sum(share[name] for share in shares) == pytest.approx(value, rel=1e-5)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    for sequence in range(3):
        for frame in range(3):
            save_noise(tmp_path / "clips" / "sequences" / f"{sequence}" / f"im{frame}.png", 140, 136, frame)
    for split, names in (("train", "0\n1\n"), ("test", "2\n")):
        (tmp_path / "clips" / f"{split}.list").write_text(names)
    return tmp_path / "clips"


def test_the_video_model_trains_over_sequences_and_is_validated_on_those_of_the_test_list(
    small: Any, clips: Path, tmp_path: Path
) -> None:
    chosen = {"model": "ssf2020", "quality": 1, "data": str(clips), "patch_size": 128, "batch_size": 2}
    settings = small(**chosen, arguments={"N": 4, "M": 4}, epochs=1)
    assert settings.data.frames == 3
    model = train(settings)
    first, last = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert first["aux"] > 0
    assert {"validation/loss", "validation/bpp", "validation/psnr"} <= last.keys()
    before = model.img_hyperprior.entropy_bottleneck.quantiles  # type: ignore[union-attr]
    assert (tmp_path / "run" / "weights.safetensors").exists()
    assert (before - before.new_tensor([-10.0, 0.0, 10.0])).abs().max() > 0


def test_sequences_without_a_test_list_are_not_validated_on_unless_asked_for(
    small: Any, clips: Path, tmp_path: Path
) -> None:
    (clips / "test.list").unlink()
    chosen = {"model": "ssf2020", "quality": 1, "data": str(clips), "patch_size": 128, "batch_size": 2}
    chosen |= {"arguments": {"N": 4, "M": 4}, "epochs": 1}
    train(small(**chosen))
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert "loss" in log
    assert "validation" not in log
    with pytest.raises(DataError, match=r"test\.list"):
        train(small(**chosen, validation=str(clips), run=str(tmp_path / "other")))
