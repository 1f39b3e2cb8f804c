"""Weights, their record, their card and their state, from a finished run; and a card of any weights file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_runs import Ramps

from latentpress import zoo
from latentpress.errors import ConfigurationError
from latentpress.models import FactorizedPrior, LatticeHyperprior
from latentpress.training import train
from latentpress.training.release import calibrate, main, release_weights, write_card


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "kodak"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (176, 192, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "noise.png")
    return folder


def test_a_run_becomes_weights_with_a_record_and_a_state_that_a_run_goes_on_from(
    small: Any, tmp_path: Path
) -> None:
    settings = small(epochs=1, arguments={"N": 48, "M": 48})
    trained = train(settings, dataset=Ramps())
    facts = {"licence": "CC0", "hardware": "one core", "data": "ramps"}
    weights, state = tmp_path / "out" / "mean.safetensors", tmp_path / "state.pt"
    record = release_weights(tmp_path / "run", weights, state, facts)
    assert json.loads(weights.with_suffix(".json").read_text()) == record
    assert record["licence"] == "CC0"
    assert record["training"]["crops_seen"] == 12
    assert record["training"]["hardware"] == "one core"
    assert record["training"]["command"].startswith("latentpress train mbt2018-mean DATA --lmbda 0.01")
    assert '--arguments \'{"N": 48, "M": 48}\'' in record["training"]["command"]
    assert "--run" not in record["training"]["command"]
    net = zoo.create("mbt2018-mean", checkpoint=weights)
    kernel = trained.g_a[2].weight  # type: ignore[index,union-attr]
    assert torch.equal(net.g_a[2].weight.half(), kernel.half())
    quantiles = trained.entropy_bottleneck.biases[0]  # type: ignore[index,union-attr]
    assert torch.equal(net.entropy_bottleneck.biases[0], quantiles)
    assert weights.stat().st_size < 0.7 * (tmp_path / "run" / "weights.safetensors").stat().st_size
    on = small(epochs=2, arguments={"N": 48, "M": 48}, state=str(state), run=str(tmp_path / "on"))
    train(on, dataset=Ramps())
    assert zoo.read_checkpoint(tmp_path / "on" / "last.pt")[0]["step"] == 6


def test_a_card_says_what_the_weights_are_and_what_they_reach(
    small: Any, images: Path, tmp_path: Path
) -> None:
    train(small(epochs=1), dataset=Ramps())
    weights = tmp_path / "mean.safetensors"
    assert main(["weights", str(tmp_path / "run"), str(weights)]) == 0
    curves, facts = tmp_path / "curves.json", tmp_path / "facts.json"
    curves.write_text(json.dumps({"jpeg": [{"quality": 3, "bpp": 0.1, "psnr": 21.0, "ms_ssim": 0.7}]}))
    facts.write_text(json.dumps({"note": "For a test.", "data": {"images": 1, "sources": {"Ramps": "made"}}}))
    options = ["--measure", str(images), "--curves", str(curves), "--facts", str(facts)]
    assert main(["card", str(weights), *options, "-o", str(tmp_path / "card.md")]) == 0
    record = json.loads(weights.with_suffix(".json").read_text())
    (point,) = record["rate_distortion"]
    assert point["dataset"] == "kodak"
    text = (tmp_path / "card.md").read_text()
    for part in (
        "# mean",
        record["sha256"],
        "latentpress train mbt2018-mean DATA",
        "12 crops",
        "For a test.",
        "- Ramps: made",
        f"| {point['bpp']:.3f} | {point['psnr']:.2f} | {point['ms_ssim']:.4f} |",
        "| 3 | 0.100 | 21.00 | 0.7000 |",
    ):
        assert part in text, part


def test_weights_without_a_run_get_a_card_too(small: Any, images: Path, tmp_path: Path) -> None:
    net = zoo.create("bmshj2018-factorized", quality=1)
    net.update()
    weights = tmp_path / "own.safetensors"
    zoo.save_checkpoint(net, weights)
    write_card(weights, tmp_path / "own.md", images)
    text = (tmp_path / "own.md").read_text()
    assert "Licence not stated" in text
    assert "Means over the images of kodak." in text


def test_what_cannot_be_released_is_refused_in_a_sentence(
    small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", str(tmp_path / "nothing"), str(tmp_path / "w.safetensors")]) == 1
    assert main(["card", str(tmp_path / "missing.safetensors")]) == 1
    train(small(epochs=1), dataset=Ramps())
    weights = tmp_path / "w.safetensors"
    release_weights(tmp_path / "run", weights)
    weights.with_suffix(".json").write_text(json.dumps({"sha256": "0" * 64}))
    assert main(["card", str(weights)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert [line.startswith("release: error: ") for line in errors if "epoch" not in line] == [True] * 3
    assert "is that of other weights" in errors[-1]


def test_calibration_needs_a_synthesis_in_integers_and_makes_the_decoder_use_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (256, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "noise.png")
    model = LatticeHyperprior(M=12, N=8, num_rates=2).eval()
    calibrate(model, tmp_path / "photos", count=2)
    assert (model.synthesis_peaks > 0).all()
    with torch.no_grad():
        y = model.g_a(torch.from_numpy(pixels[:, :256]).permute(2, 0, 1)[None] / 255)
    assert not torch.equal(model.synthesise(y), model.g_s(y))
    assert torch.allclose(model.synthesise(y), model.g_s(y), atol=0.02)
    with pytest.raises(ConfigurationError, match="in integers"):
        calibrate(FactorizedPrior(8, 8), tmp_path / "photos")
