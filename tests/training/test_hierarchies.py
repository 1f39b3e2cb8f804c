"""Hierarchical VAEs on the engine: with their recipe, each learns, resumes exactly, and is exported."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from small_hierarchies import SMALL_BOUND, SMALL_QARV, SMALL_QRES
from small_runs import Ramps
from torch import Tensor, nn

from latentpress import zoo
from latentpress.models.hierarchical import QARV, LosslessQResVAE, QResVAE, RateDistortionBound
from latentpress.training import Trainer, TrainingDiverged, TrainingSettings, resolve, train
from latentpress.training.checkpoints import load_state
from latentpress.training.recipes import recipe_values
from latentpress.zoo.hierarchical import load_hierarchy_weights

MODELS = {
    "qres34m": lambda: QResVAE(SMALL_QRES, lmb=64),
    "qres34m_lossless": lambda: LosslessQResVAE(SMALL_QRES),
    "qarv_base": lambda: QARV(SMALL_QARV),
    "rd_model_base": lambda: RateDistortionBound(SMALL_BOUND),
}


def quick(kind: str, **values: Any) -> TrainingSettings:
    """The recipe of a model, for a run of seconds."""
    recipe = {**recipe_values({"model": kind}), "lr": 2e-3, "ema": 0.9, "ema_warmup": 5, "workers": 0}
    recipe |= {"batch_size": 2, "epoch_steps": 15, "epochs": 2, "log_every": 5, "tensorboard": False}
    return resolve({**recipe, "model": kind, **values})


def smooth(number: int) -> Tensor:
    """Smooth pictures, the same for the same number."""
    generator = torch.Generator().manual_seed(number)
    corners = torch.rand(2, 3, 2, 2, generator=generator)
    x = torch.nn.functional.interpolate(corners, size=(64, 64), mode="bilinear", align_corners=True)
    return (x * 255).round() / 255


def evaluated(model: nn.Module) -> float:
    lmb = 100.0 if getattr(model, "lmb_range", None) else None
    torch.manual_seed(5)
    with torch.no_grad():
        return sum(float(model(smooth(number), lmb)["loss"]) for number in range(1000, 1004)) / 4


@pytest.mark.parametrize("kind", MODELS)
def test_a_short_run_lowers_the_loss_of_unseen_pictures(kind: str) -> None:
    torch.manual_seed(0)
    trainer = Trainer(MODELS[kind](), quick(kind), steps=30)
    before = evaluated(trainer.trained_model)
    for number in range(30):
        parts = trainer.train_step([smooth(number)])
    assert math.isfinite(parts["grad_norm"])
    assert evaluated(trainer.trained_model) < 0.97 * before


@pytest.mark.parametrize(
    "kind",
    ["qarv_base", *(pytest.param(kind, marks=pytest.mark.slow) for kind in MODELS if kind != "qarv_base")],
)
def test_a_run_ends_resumed_where_an_uninterrupted_one_does_and_exports_its_weights(
    kind: str, tmp_path: Path
) -> None:
    for run, stops in (("whole", [2]), ("parts", [1, 2])):
        for epochs in stops:
            torch.manual_seed(0)
            values = {"epoch_steps": 2, "epochs": epochs, "run": str(tmp_path / run)}
            if "fall_start" in recipe_values({"model": kind}):
                values["schedule"] = "constant"  # as the others have it: a cosine depends on the run's length
            train(quick(kind, **values), model=MODELS[kind](), dataset=Ramps())
    whole, parts = (load_state(tmp_path / run / "last.pt") for run in ("whole", "parts"))
    assert whole["step"] == parts["step"] == 4
    for weights in ("state_dict", "average"):
        for key, value in whole[weights].items():
            assert torch.equal(value, parts[weights][key]), key
    model = MODELS[kind]()
    load_hierarchy_weights(model, tmp_path / "whole" / "weights.safetensors")
    x = torch.rand(1, 3, 64, 64)
    assert model.eval()(x)["loss"].isfinite()


def test_the_last_half_of_qarvs_run_falls_along_a_cosine_to_a_hundredth() -> None:
    trainer = Trainer(MODELS["qarv_base"](), quick("qarv_base"), steps=1000)
    shares = [trainer.schedule.share(step) for step in range(1001)]
    assert shares[:500] == [1.0] * 500
    assert shares == sorted(shares, reverse=True)
    assert shares[750] == pytest.approx(0.505, abs=0.01)
    assert shares[-1] == pytest.approx(0.01)
    constant = Trainer(MODELS["qres34m"](), quick("qres34m"), steps=1000).schedule
    assert {constant.share(step) for step in range(1001)} == {1.0}


def test_a_gradient_that_is_not_finite_changes_no_weights() -> None:
    trainer = Trainer(MODELS["qres34m"](), quick("qres34m"), steps=10)
    trainer.train_step([smooth(0)])
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    x = smooth(1)
    x[0, 0, 0, 0] = math.nan
    with pytest.raises(TrainingDiverged):
        trainer.train_step([x])
    assert all(torch.equal(value, before[key]) for key, value in trainer.model.state_dict().items())


def test_a_variable_rate_model_draws_its_lambdas_as_published() -> None:
    qarv, bound = MODELS["qarv_base"](), MODELS["rd_model_base"]()
    roots = qarv.sample_lmb(20_000) ** (1 / 3)
    logs = bound.sample_lmb(20_000).log()
    for values, low, high in ((roots, 16 ** (1 / 3), 2048 ** (1 / 3)), (logs, math.log(4), math.log(2048))):
        assert float(values.min()) >= low - 1e-3
        assert float(values.max()) <= high + 1e-3
        assert float(values.mean()) == pytest.approx((low + high) / 2, rel=0.02)
        assert float(values.std()) == pytest.approx((high - low) / math.sqrt(12), rel=0.02)


@pytest.mark.parametrize("kind", MODELS)
def test_every_hierarchy_of_the_zoo_has_the_recipe_of_its_paper(kind: str) -> None:
    assert kind in zoo.hierarchies
    settings = resolve({"model": kind})
    optimization = settings.optimization
    assert (optimization.optimizer, optimization.lr, optimization.clip_norm) == ("adam", 2e-4, 2.0)
    assert (optimization.spike, optimization.ema, optimization.ema_warmup) == (10.0, 0.9999, 10_000)
    assert settings.data.patch_size == 256
    assert settings.data.batch_size == (64 if "qres" in kind else 32)
