"""The parts of the engine: schedules, the order of data, objectives, averages, spikes, accumulation."""

import math
from itertools import islice
from typing import Any

import pytest
import torch
from small_runs import Ramps
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.losses import RateDistortionLoss
from latentpress.models import FactorizedPrior, GainedHyperprior
from latentpress.training import Trainer, engine
from latentpress.training.averages import WeightAverage
from latentpress.training.data import ShuffledStream, StepBatches
from latentpress.training.objectives import Objective
from latentpress.training.processes import Processes
from latentpress.training.schedules import Schedule
from latentpress.training.settings import DataSettings, OptimizationSettings

CPU = torch.device("cpu")


def test_a_plateau_halves_the_rate_after_patience_epochs_as_torchs_scheduler_does() -> None:
    losses = [5.0, 4.0, 4.0, 3.9999, 4.1, 4.2, 3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6]
    ours = Schedule(OptimizationSettings(patience=2), steps=100)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    for loss in losses:
        ours.end_epoch(loss)
        theirs.step(loss)
        assert ours.share(0) == optimizer.param_groups[0]["lr"]
    assert ours.share(0) == 0.125


def test_a_fall_starts_late_and_ends_at_what_is_left() -> None:
    settings = OptimizationSettings(schedule="cosine", fall_start=0.5, final_lr=0.01, warmup=10)
    schedule = Schedule(settings, steps=1000)
    assert schedule.share(0) == pytest.approx(0.1)
    assert schedule.share(499) == 1
    assert schedule.share(750) == pytest.approx(0.505)
    assert schedule.share(1000) == pytest.approx(0.01)


def batches(start: int, rank: int = 0, count: int = 1, accumulate: int = 1, workers: int = 0) -> Any:
    settings = DataSettings(batch_size=4, workers=workers)
    processes = Processes(rank, count, CPU)
    part = 4 // count // accumulate
    return StepBatches(Ramps(6), settings, seed=1, part=part, processes=processes, start=start)


def test_batches_from_a_later_step_on_are_those_of_an_uninterrupted_run() -> None:
    whole = list(islice(batches(0), 5))
    later = list(islice(batches(3), 2))
    for a, b in zip(whole[3:], later, strict=True):
        assert torch.equal(a[0], b[0])


def test_reading_workers_change_nothing() -> None:
    for a, b in zip(islice(batches(0), 3), islice(batches(0, workers=2), 3), strict=True):
        assert torch.equal(a[0], b[0])


def test_processes_and_accumulated_parts_share_the_batch_of_one() -> None:
    for (whole,), parts, *ranks in islice(
        zip(batches(0), batches(0, accumulate=2), *(batches(0, rank, 2) for rank in (0, 1)), strict=False), 3
    ):
        assert torch.equal(whole, torch.cat(parts))
        assert torch.equal(whole, torch.cat([rank[0] for rank in ranks]))


def test_each_pass_over_the_data_has_every_image_once_in_an_order_of_its_own() -> None:
    class Numbers:
        def __len__(self) -> int:
            return 50

        def __getitem__(self, index: int) -> int:
            return index

    stream = ShuffledStream(Numbers(), seed=0)
    first, second = ([stream[p] for p in range(start, start + 50)] for start in (0, 50))
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


def test_an_empty_data_set_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="empty data set"):
        ShuffledStream(Ramps(0), seed=0)


def test_the_objective_is_the_rate_distortion_loss() -> None:
    x = torch.rand(2, 3, 64, 64)
    output = FactorizedPrior(4, 4)(x)
    parts = Objective(lmbda=0.02)(output, x)
    expected = RateDistortionLoss(lmbda=0.02)(output, x)
    assert parts["loss"] == expected["loss"]
    assert parts["bpp"] == expected["bpp_loss"]
    assert parts["psnr"] == -10 * expected["mse_loss"].log10()


def test_each_image_of_a_variable_rate_batch_has_its_own_trade_off() -> None:
    model = GainedHyperprior(widths=(8, 8), M=12, N=8, depths=(1, 1, 1), num_rates=3).eval()
    x = torch.rand(2, 3, 64, 64)
    both = Objective()(model(x, rate=torch.tensor([0.0, 2.0])), x)["loss"]
    each = [
        RateDistortionLoss(lmbda=lmbda)(model(x[i : i + 1], quality=quality), x[i : i + 1])["loss"]
        for i, (lmbda, quality) in enumerate(zip(model.lmbda_range, (1, 100), strict=True))
    ]
    torch.testing.assert_close(both, sum(each) / 2)


def test_the_balance_weighs_rates_without_changing_the_middle_one() -> None:
    x = torch.zeros(1, 3, 8, 8)
    output = {"x_hat": x + 0.1, "likelihoods": {"y": torch.full((1, 1, 1, 1), 0.5)}}
    for lmbda, weight in ((0.01, 1.0), (0.04, 0.5)):
        plain = Objective()({**output, "lmbda": torch.tensor([lmbda])}, x)["loss"]
        balanced = Objective(balance=0.5, middle=0.01)({**output, "lmbda": torch.tensor([lmbda])}, x)["loss"]
        assert float(balanced / plain) == pytest.approx(weight)


def test_a_sequence_of_frames_is_judged_as_all_of_its_frames() -> None:
    frames = [torch.rand(2, 3, 16, 16) for _ in range(3)]
    likelihoods = [{"keyframe": {"y": torch.rand(2, 4, 2, 2)}}, {"motion": {"y": torch.rand(2, 4, 2, 2)}}]
    output = {"x_hat": [frame + 0.1 for frame in frames], "likelihoods": likelihoods}
    parts = Objective(lmbda=1.0)(output, frames)
    bits = -sum(p.log2().sum() for part in likelihoods for latent in part.values() for p in latent.values())
    assert float(parts["bpp"]) == pytest.approx(float(bits) / (2 * 3 * 16 * 16), rel=1e-5)
    assert float(parts["psnr"]) == pytest.approx(20, abs=1e-3)


def test_an_output_that_is_not_understood_is_refused() -> None:
    x = torch.rand(1, 3, 16, 16)
    with pytest.raises(ConfigurationError, match="found tuple"):
        Objective(lmbda=1.0)((x, x), x)
    with pytest.raises(ConfigurationError, match="give lmbda or quality"):
        Objective()({"x_hat": x, "likelihoods": {"y": x}}, x)


class Frames(nn.Module):
    """A video model in miniature: it scales each frame."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, frames: list[Tensor]) -> dict[str, Any]:
        likelihood = torch.sigmoid(self.gain + frames[0][:, :1])
        return {"x_hat": [self.gain * frame for frame in frames], "likelihoods": [{"y": likelihood}]}


@pytest.mark.parametrize("as_one_tensor", [True, False])
def test_a_video_model_is_given_its_frames(as_one_tensor: bool, small: Any) -> None:
    trainer = Trainer(Frames(), small(epochs=1, lr=0.1), steps=20)
    clip = torch.rand(2, 3, 3, 8, 8)
    losses = [
        trainer.train_step([clip if as_one_tensor else list(clip.unbind(1))])["loss"] for _ in range(20)
    ]
    assert losses[-1] < 0.5 * losses[0]


def test_the_average_follows_the_weights_faster_at_first() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = WeightAverage(model, decay=0.9, warmup=10)
    nn.init.ones_(model.weight)
    average.update(model, 1)
    decay = 0.9 * (1 - math.exp(-0.1))
    assert average.model.weight.item() == pytest.approx(1 - decay)


def test_a_spike_moves_weights_a_tenth_as_far_and_the_average_not_at_all(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slope(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.value = nn.Parameter(torch.zeros(()))

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"loss": self.value * x.mean()}

    monkeypatch.setattr(
        engine, "net_optimizers", lambda model, _: [torch.optim.SGD(model.parameters(), lr=1.0)]
    )
    trainer = Trainer(Slope(), small(spike=10.0, clip_norm=0.0, schedule="constant"), steps=100)
    usual, large = torch.ones(1, 3, 8, 8), torch.full((1, 3, 8, 8), 20.0)
    for _ in range(20):
        trainer.train_step([usual])
    assert float(trainer.model.value.detach()) == -20  # type: ignore[operator]
    assert trainer.average is not None
    average = trainer.average.model.value.clone()  # type: ignore[operator]
    trainer.train_step([large])
    moved = float(trainer.model.value.detach()) + 20  # type: ignore[operator]
    assert moved == pytest.approx(-2.0)
    assert torch.equal(trainer.average.model.value, average)  # type: ignore[arg-type]


def test_a_batch_that_cannot_be_shared_evenly_is_refused(small: Any) -> None:
    with pytest.raises(ConfigurationError, match="choose a multiple of 6"):
        engine.parts_of_a_step(small(batch_size=4, accumulate=3), Processes(0, 2, CPU))


def test_quantiles_get_their_gradient_from_the_auxiliary_loss_alone(small: Any) -> None:
    model = FactorizedPrior(4, 6)
    trainer = Trainer(model, small(clip_norm=0.0, ema=0.0), steps=1)
    model.entropy_bottleneck.loss().backward()
    expected = model.entropy_bottleneck.quantiles.grad.clone()
    trainer.train_step([torch.rand(2, 3, 64, 64)])
    assert torch.equal(model.entropy_bottleneck.quantiles.grad, expected)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_every_parameter_has_one_optimiser(optimizer: str, small: Any) -> None:
    model = FactorizedPrior(16, 24)
    trainer = Trainer(model, small(optimizer=optimizer), steps=1)
    held = [id(p) for o in trainer.optimizers for group in o.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters())
