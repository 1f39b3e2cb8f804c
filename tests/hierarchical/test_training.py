"""Training lowers the loss of every kind of hierarchy, resumes exactly, and keeps the recipe."""

import math

import pytest
import torch
from small_hierarchies import SMALL_BOUND, SMALL_QARV, SMALL_QRES

from latentpress.errors import WeightsError
from latentpress.models.hierarchical import QARV, LosslessQResVAE, QResVAE, RateDistortionBound
from latentpress.training.hierarchical import GradientWatch, HierarchyRecipe, HierarchyTrainer

QUICK = HierarchyRecipe(steps=30, learning_rate=2e-3, decay=0.9, warmup=5)
MODELS = {
    "qres": lambda: QResVAE(SMALL_QRES, lmb=64),
    "lossless": lambda: LosslessQResVAE(SMALL_QRES),
    "qarv": lambda: QARV(SMALL_QARV),
    "bound": lambda: RateDistortionBound(SMALL_BOUND),
}


def batch_at(number: int) -> torch.Tensor:
    """Smooth pictures, the same for the same number."""
    generator = torch.Generator().manual_seed(number)
    corners = torch.rand(2, 3, 2, 2, generator=generator)
    x = torch.nn.functional.interpolate(corners, size=(64, 64), mode="bilinear", align_corners=True)
    return (x * 255).round() / 255


def evaluated(model: torch.nn.Module) -> float:
    lmb = 100.0 if getattr(model, "lmb_range", None) else None
    torch.manual_seed(5)
    with torch.no_grad():
        return sum(float(model(batch_at(number), lmb)["loss"]) for number in range(1000, 1004)) / 4


@pytest.mark.parametrize("kind", MODELS)
def test_a_short_run_lowers_the_loss_of_unseen_pictures(kind: str) -> None:
    trainer = HierarchyTrainer(MODELS[kind](), QUICK)
    before = evaluated(trainer.average)
    trainer.run(batch_at)
    assert trainer.step == 30
    assert evaluated(trainer.average) < 0.97 * before


@pytest.mark.parametrize("kind", ["qres", "qarv"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(kind: str, tmp_path) -> None:
    torch.manual_seed(7)
    first = HierarchyTrainer(MODELS[kind](), QUICK)
    first.run(batch_at, until=4)
    first.save(tmp_path / "run.pt")
    first.run(batch_at, until=8)
    second = HierarchyTrainer(MODELS[kind](), QUICK)
    second.resume(tmp_path / "run.pt")
    second.run(batch_at, until=8)
    for one, other in ((first.model, second.model), (first.average, second.average)):
        for key, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[key]), key


def test_checkpoints_of_other_models_are_refused(tmp_path) -> None:
    path = tmp_path / "run.pt"
    HierarchyTrainer(MODELS["qres"](), QUICK).save(path)
    with pytest.raises(WeightsError, match="of this model"):
        HierarchyTrainer(MODELS["qarv"](), QUICK).resume(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError):
        HierarchyTrainer(MODELS["qres"](), QUICK).resume(path)


def test_the_learning_rate_is_constant_and_then_half_a_cosine() -> None:
    recipe = HierarchyRecipe(steps=1000)
    shares = [recipe.share(step) for step in range(1000)]
    assert shares[:500] == [1.0] * 500
    assert shares == sorted(shares, reverse=True)
    assert shares[750] == pytest.approx(0.505, abs=0.01)
    assert shares[-1] == pytest.approx(0.01)
    assert {HierarchyRecipe(steps=1000, cosine=False).share(step) for step in range(1000)} == {1.0}


def test_a_spike_is_ten_times_the_running_median() -> None:
    watch = GradientWatch(10.0, window=64, patience=8)
    assert not any(watch.is_spike(norm) for norm in [1.0, 100.0, *[1.0] * 20])
    assert not watch.is_spike(9.0)
    assert watch.is_spike(11.0)
    assert watch.is_spike(math.nan)
    assert watch.is_spike(math.inf)


def test_a_gradient_that_is_not_finite_changes_no_weights() -> None:
    trainer = HierarchyTrainer(MODELS["qres"](), QUICK)
    trainer.train_step(batch_at(0))
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    x = batch_at(1)
    x[0, 0, 0, 0] = math.nan
    trainer.train_step(x)
    assert all(torch.equal(value, before[key]) for key, value in trainer.model.state_dict().items())


def test_a_variable_rate_model_draws_its_lambdas_as_published() -> None:
    qarv, bound = MODELS["qarv"](), MODELS["bound"]()
    roots = qarv.sample_lmb(20_000) ** (1 / 3)
    logs = bound.sample_lmb(20_000).log()
    for values, low, high in ((roots, 16 ** (1 / 3), 2048 ** (1 / 3)), (logs, math.log(4), math.log(2048))):
        assert float(values.min()) >= low - 1e-3
        assert float(values.max()) <= high + 1e-3
        assert float(values.mean()) == pytest.approx((low + high) / 2, rel=0.02)
        assert float(values.std()) == pytest.approx((high - low) / math.sqrt(12), rel=0.02)
