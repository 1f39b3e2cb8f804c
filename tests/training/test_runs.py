"""Whole runs: exact resumption, the same result from the same seed, checkpoints that load and compress."""

import json
import os
import signal
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_runs import Ramps
from torch import Tensor, nn

from latentpress import zoo
from latentpress.datasets import shards
from latentpress.datasets.reading import open_rgb
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.models import MeanScaleHyperprior
from latentpress.training import Trainer, TrainingDiverged, make_model, runs, train
from latentpress.training.checkpoints import compact_state, load_state, save_state


def differing(a: Any, b: Any, path: str = "") -> list[str]:
    """Where two nested states differ, in any bit."""
    if isinstance(a, Tensor):
        return [] if torch.equal(a, b) else [path]
    if isinstance(a, dict):
        keys = [f"{path}: keys"] if a.keys() != b.keys() else []
        return keys + [d for key in a.keys() & b.keys() for d in differing(a[key], b[key], f"{path}.{key}")]
    if isinstance(a, list | tuple):
        pairs = zip(a, b, strict=True)
        return [d for number, (x, y) in enumerate(pairs) for d in differing(x, y, f"{path}[{number}]")]
    return [] if a == b else [f"{path}: {a} != {b}"]


class Interrupted(Exception):
    """Stands for whatever ends a process."""


def interrupt_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have runs end after this many steps in all."""
    made = []
    step = runs.Run._step

    def counted(self: runs.Run, batches: Any) -> Any:
        if len(made) == steps:
            raise Interrupted
        made.append(1)
        return step(self, batches)

    monkeypatch.setattr(runs.Run, "_step", counted)


VARIABLE_RATE = {
    "model": "latentpress2026",
    "lmbda": None,
    "arguments": {"widths": [16, 16], "M": 16, "N": 16, "depths": [1, 1, 1], "num_rates": 3},
    "epoch_steps": 0,
    "warmup": 0,
}


def photographs(tmp_path: Path, count: int = 3) -> Path:
    """A folder of images somewhat larger than a patch."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 255, (80, 96, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_the_default_codec_trains_with_its_recipe_from_images_in_memory(small: Any, tmp_path: Path) -> None:
    chosen = {**VARIABLE_RATE, "data": str(photographs(tmp_path)), "epoch_steps": 2, "epochs": 2}
    for workers in (0, 1):
        train(small(**chosen, workers=workers, run=str(tmp_path / f"run{workers}")))
    settings = json.loads((tmp_path / "run0" / "settings.json").read_text())
    assert settings["optimization"]["optimizer"] == "muon"
    assert settings["optimization"]["schedule"] == "linear"
    assert settings["data"]["in_memory"]
    assert settings["compute"]["bf16"]
    weights = [(tmp_path / f"run{workers}" / "weights.safetensors").read_bytes() for workers in (0, 1)]
    assert weights[0] == weights[1]
    model = zoo.create("latentpress2026", checkpoint=tmp_path / "run0" / "weights.safetensors")
    coded = model.compress(torch.rand(1, 3, 64, 64), quality=10)
    assert model.decompress(coded["strings"], coded["shape"], quality=10)["x_hat"].shape == (1, 3, 64, 64)


def test_images_that_cannot_be_read_are_counted_and_not_fatal(
    small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photographs(tmp_path)
    (folder / "broken.png").write_bytes(b"no picture")
    chosen = {"data": str(folder), "batch_size": 2, "epochs": 2, "arguments": {"N": 4, "M": 6}}
    for in_memory in (False, True):
        train(small(**chosen, in_memory=in_memory, run=str(tmp_path / f"run{in_memory}")))
        assert capsys.readouterr().err.count("training images were left out") >= 1
    train(small(**chosen, in_memory=True, drawn=0.5, run=str(tmp_path / "drawn")))
    assert capsys.readouterr().err.count("training images were left out") >= 1


def test_drawings_are_refused_among_images_that_are_not_in_memory(small: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="in_memory"):
        train(small(data=str(photographs(tmp_path)), drawn=0.5))


@pytest.mark.slow
def test_a_compiled_model_trains_as_one_that_is_not(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self: compile(self, backend="aot_eager"))
    ends = []
    for compiled in (False, True):
        run = tmp_path / f"{compiled}"
        train(small(epochs=1, compile=compiled, run=str(run)), dataset=Ramps())
        ends.append(load_state(run / "last.pt")["state_dict"])
    for key, value in ends[0].items():
        torch.testing.assert_close(ends[1][key], value, atol=1e-4, rtol=1e-3)


def test_the_default_codec_learns(small: Any) -> None:
    torch.manual_seed(0)
    model = make_model(small(**VARIABLE_RATE).model)
    trainer = Trainer(model, small(**VARIABLE_RATE, lr=5e-3, schedule="constant"), steps=40)
    batch = torch.stack([Ramps()[index] for index in range(4)])
    losses = [trainer.train_step([batch])["loss"] for _ in range(40)]
    assert sum(losses[-5:]) / 5 < 0.75 * losses[0]


def test_a_run_goes_on_from_the_state_of_another_and_nearly_so_from_a_compact_one(
    small: Any, tmp_path: Path
) -> None:
    chosen = {**VARIABLE_RATE, "bf16": False, "schedule": "constant"}
    train(small(**chosen, epochs=1), dataset=Ramps())
    state = load_state(tmp_path / "run" / "last.pt")
    save_state(state, tmp_path / "whole.pt")
    save_state(compact_state(state), tmp_path / "compact.pt")
    ends = {}
    for name in ("run", "whole", "compact"):
        start = None if name == "run" else str(tmp_path / f"{name}.pt")
        train(small(**chosen, epochs=2, state=start, run=str(tmp_path / name)), dataset=Ramps())
        ends[name] = load_state(tmp_path / name / "last.pt")
    assert {end["step"] for end in ends.values()} == {6}
    assert differing(ends["run"]["average"], ends["whole"]["average"]) == []
    for key, value in ends["run"]["average"].items():
        torch.testing.assert_close(ends["compact"]["average"][key], value, atol=1e-3, rtol=5e-3)
    with pytest.raises(ConfigurationError, match="give more epochs"):
        train(
            small(**chosen, epochs=1, state=str(tmp_path / "whole.pt"), run=str(tmp_path / "no")),
            dataset=Ramps(),
        )


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({"accumulate": 2, "validation": True}, id="plateau"),
        pytest.param({"schedule": "cosine", "warmup": 3, "optimizer": "adamw", "workers": 1}, id="cosine"),
        pytest.param(VARIABLE_RATE, id="variable rate"),
    ],
)
def test_a_resumed_run_equals_one_that_never_stopped_to_the_bit(
    chosen: dict[str, Any], small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if chosen.get("validation"):
        chosen = {**chosen, "validation": str(picture_folder(tmp_path))}
    whole = small(**chosen, save_every=1, run=str(tmp_path / "whole"))
    train(whole, dataset=Ramps())

    parts = small(**chosen, save_every=2, run=str(tmp_path / "parts"))
    with monkeypatch.context() as context:
        interrupt_after(5, context)  # in the middle of the second epoch, a step after the last checkpoint
        with pytest.raises(Interrupted):
            train(parts, dataset=Ramps())
    assert load_state(tmp_path / "parts" / "last.pt")["step"] == 4
    torch.manual_seed(123)
    train(parts, dataset=Ramps())

    for name in ("last.pt", "best.pt"):
        a, b = (load_state(tmp_path / run / name) for run in ("whole", "parts"))
        assert a.pop("settings") != b.pop("settings")
        assert differing(a, b) == []
    exported = [(tmp_path / run / "weights.safetensors").read_bytes() for run in ("whole", "parts")]
    assert exported[0] == exported[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_after_the_step_in_hand_with_its_state_saved(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    values = {
        "epochs": 2,
        "epoch_steps": 3,
        "save_every": 100,
        "workers": 1,
        "data": str(photographs(tmp_path)),
    }
    train(small(**values, run=str(tmp_path / "whole")))
    step = runs.Run._step

    def signalled(self: runs.Run, batches: Any) -> Any:
        if self.trainer.step == 1:
            os.kill(os.getpid(), number)
        return step(self, batches)

    before = signal.getsignal(number)
    with monkeypatch.context() as context:
        context.setattr(runs.Run, "_step", signalled)
        with pytest.raises(KeyboardInterrupt, match=r"the state after step 2 of 6 is in .*last\.pt"):
            train(small(**values))
    assert signal.getsignal(number) is before
    assert load_state(tmp_path / "run" / "last.pt")["step"] == 2
    train(small(**values))
    a, b = (load_state(tmp_path / run / "last.pt")["state_dict"] for run in ("whole", "run"))
    assert differing(a, b) == []


def picture_folder(tmp_path: Path) -> Path:
    """A folder with one image, of sides that are no multiples of 64."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (70, 140, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "noise.png")
    return folder


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small: Any, tmp_path: Path) -> None:
    weights = []
    for run, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(small(epochs=1, seed=seed, run=str(tmp_path / run)), dataset=Ramps())
        weights.append((tmp_path / run / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_training_lowers_the_loss(small: Any, tmp_path: Path) -> None:
    train(small(epochs=10, lr=1e-2), dataset=Ramps())
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == list(range(1, 31))
    assert log[-1]["loss"] < 0.7 * log[0]["loss"]
    assert {"bpp", "psnr", "images_per_second", "lr", "aux", "grad_norm"} <= log[0].keys()


def test_exported_weights_are_made_again_and_compress(small: Any, tmp_path: Path) -> None:
    trained = train(small(epochs=1), dataset=Ramps())
    net = zoo.create("mbt2018-mean", checkpoint=tmp_path / "run" / "weights.safetensors")
    assert torch.equal(net.g_a[0].weight, trained.g_a[0].weight)  # type: ignore[index,union-attr]
    x = torch.rand(1, 3, 64, 64)
    coded = net.compress(x)
    assert net.decompress(coded["strings"], coded["shape"])["x_hat"].shape == x.shape


def test_a_checkpoint_of_a_run_is_read_wherever_weights_are(small: Any, tmp_path: Path) -> None:
    train(small(epochs=1), dataset=Ramps())
    net = zoo.create("mbt2018-mean", checkpoint=tmp_path / "run" / "best.pt")
    assert isinstance(net, MeanScaleHyperprior)


def test_fine_tuning_for_ms_ssim_starts_from_the_averaged_weights_of_a_run_for_mse(
    small: Any, tmp_path: Path
) -> None:
    trained = train(small(epochs=1), dataset=Ramps())
    settings = small(
        metric="ms-ssim",
        quality=1,
        lmbda=2.4,
        patch_size=192,
        epochs=1,
        checkpoint=str(tmp_path / "run" / "best.pt"),
        run=str(tmp_path / "tuned"),
        lr=1e-5,
    )
    tuned = train(settings, dataset=Ramps(count=4, side=192))
    for a, b in zip(trained.parameters(), tuned.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-2, rtol=1e-2)
    entry = json.loads((tmp_path / "tuned" / "log.jsonl").read_text())
    assert 0 < entry["ms_ssim"] < 1


class BreaksAtStep(MeanScaleHyperprior):
    """A model whose loss stops being a number once it has been run for a while."""

    calls = 0

    def forward(self, x: Tensor) -> dict[str, Any]:
        output = super().forward(x)
        self.calls += 1
        if self.calls > 4:
            output["x_hat"] = output["x_hat"] * torch.nan
        return output


def test_a_nan_stops_the_run_with_the_last_good_checkpoint_and_a_sentence(small: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match=r"step 5.*last good checkpoint is .*last\.pt") as caught:
        train(small(save_every=1), model=BreaksAtStep(4, 6), dataset=Ramps())
    assert str(caught.value).count("\n") == 0
    state = load_state(tmp_path / "run" / "last.pt")
    assert state["step"] == 4
    assert all(value.isfinite().all() for value in state["state_dict"].values())


def test_a_run_goes_on_only_with_the_settings_that_its_weights_depend_on(small: Any) -> None:
    train(small(epochs=1), dataset=Ramps())
    with pytest.raises(ConfigurationError, match="started with batch_size 4, not 2"):
        train(small(epochs=2, batch_size=2), dataset=Ramps())
    with pytest.raises(WeightsError, match="averaged weights"):
        train(small(epochs=2, ema=0.0), dataset=Ramps())


def test_a_longer_run_goes_on_where_a_shorter_one_ended(small: Any, tmp_path: Path) -> None:
    train(small(epochs=1), dataset=Ramps())
    train(small(epochs=2), dataset=Ramps())
    assert load_state(tmp_path / "run" / "last.pt")["step"] == 6


def test_validation_logs_figures_and_reconstructions(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[str, Tensor] = {}
    monkeypatch.setattr(
        "latentpress.training.logs.JsonLog.images", lambda self, step, pictures: shown.update(pictures)
    )
    train(small(epochs=1, validation=str(picture_folder(tmp_path))), dataset=Ramps())
    assert {name: tuple(picture.shape) for name, picture in shown.items()} == {"noise": (3, 64, 128)}
    last = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert last["step"] == 3
    assert {"validation/loss", "validation/bpp", "validation/psnr"} <= last.keys()


def test_a_variable_rate_model_is_validated_over_its_rates(small: Any, tmp_path: Path) -> None:
    settings = small(**VARIABLE_RATE, epochs=1, validation=str(picture_folder(tmp_path)), save_every=9)
    model = train(settings, dataset=Ramps())
    last = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    with torch.no_grad():
        image = runs.ValidationSet(tmp_path / "pictures", 64).item("noise")
        bpp = [
            sum(-p.log2().sum() for p in model(image, quality=q)["likelihoods"].values()) / (64 * 128)
            for q in (10.0, 50.0, 90.0)
        ]
    assert last["validation/bpp"] == pytest.approx(float(sum(bpp)) / 3, rel=1e-4)


def test_a_run_over_shards_resumes_where_it_was(small: Any, tmp_path: Path, monkeypatch: Any) -> None:
    with tarfile.open(tmp_path / "train-000.tar", "w") as tar:
        for number, picture in enumerate(Ramps()[index] for index in range(6)):
            path = tmp_path / f"{number}.png"
            Image.fromarray(picture.mul(255).byte().permute(1, 2, 0).numpy()).save(path)
            tar.add(path, path.name)
    values = {"data": str(tmp_path), "epoch_steps": 3, "epochs": 2, "patch_size": 48, "batch_size": 2}
    values |= {"model": "bmshj2018-factorized", "save_every": 1}
    with pytest.raises(ConfigurationError, match="say how many steps"):
        train(small(**values | {"epoch_steps": 0}))
    train(small(**values, run=str(tmp_path / "whole")))
    with monkeypatch.context() as context:
        interrupt_after(4, context)
        with pytest.raises(Interrupted):
            train(small(**values))
    read: list[Any] = []
    monkeypatch.setattr(shards, "open_rgb", lambda *given: read.append(1) or open_rgb(*given))
    train(small(**values))
    assert len(read) == 6  # the images of the second pass, in which the run was interrupted
    a, b = (load_state(tmp_path / run / "last.pt")["state_dict"] for run in ("whole", "run"))
    assert differing(a, b) == []


def test_a_model_that_is_no_module_is_refused(small: Any) -> None:
    with pytest.raises(ConfigurationError, match="torch module, found dict"):
        train(small(model="builtins:dict", arguments={}), dataset=Ramps())


def test_small_patches_are_refused_for_ms_ssim(small: Any) -> None:
    with pytest.raises(ConfigurationError, match="at least 161 pixels"):
        train(small(metric="ms-ssim"), dataset=Ramps())


def test_a_model_without_bottlenecks_and_a_loss_of_its_own_trains(small: Any, tmp_path: Path) -> None:
    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = nn.Parameter(torch.zeros(()))

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"loss": (x - self.value).square().mean(), "x_hat": self.value.expand_as(x)}

    model = train(small(epochs=20, lr=0.05, ema=0.0), model=Mean(), dataset=Ramps())
    assert float(model.value.detach()) == pytest.approx(0.25, abs=0.1)  # type: ignore[operator]
