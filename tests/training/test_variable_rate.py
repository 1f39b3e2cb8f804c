"""Training of the default codec, in miniature."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress.models import GainedHyperprior
from latentpress.training.muon import Muon, orthogonalised, split_parameters
from latentpress.training.variable_rate import Settings, Trainer, train


def small() -> GainedHyperprior:
    torch.manual_seed(0)
    return GainedHyperprior(widths=(16, 16), M=16, N=16, depths=(1, 1, 1))


def crops() -> torch.Tensor:
    ramp = torch.linspace(40, 220, 64)
    image = torch.stack(
        (
            ramp[None] * torch.ones(64, 1),
            ramp[:, None] * torch.ones(1, 64),
            ramp.flip(0)[None] * torch.ones(64, 1),
        )
    )
    return image.round().to(torch.uint8).expand(4, 3, 64, 64)


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    for shape in ((16, 64), (64, 16)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.5


def test_muon_gets_the_kernels_and_nothing_else() -> None:
    model = small()
    kernels, others = split_parameters(model)
    assert {parameter.ndim for parameter in kernels} == {4}
    assert len(kernels) + len(others) == len(list(model.parameters()))
    assert any(parameter is model.g_a.network[0].weight for parameter in others)  # three channels in


def test_muon_minimises_a_quadratic() -> None:
    weight = torch.nn.Parameter(torch.randn(16, 16, 1, 1))
    target = torch.randn(16, 16, 1, 1)
    optimizer = Muon([weight], lr=0.1)
    before = (weight - target).square().mean().item()
    for _ in range(100):
        optimizer.zero_grad()
        (weight - target).square().mean().backward()
        optimizer.step()
    assert (weight - target).square().mean().item() < before / 10


def test_training_lowers_the_loss() -> None:
    trainer = Trainer(small(), Settings(steps=1000, warmup=1, lr=5e-3))
    losses = [trainer.train_step(crops())["loss"] for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


def test_a_loaded_checkpoint_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    first = Trainer(small(), Settings(warmup=1))
    for _ in range(3):
        first.train_step(crops())
    first.save(tmp_path / "last.pt")
    second = Trainer(small(), Settings(warmup=1))
    second.load(tmp_path / "last.pt")
    for trainer in (first, second):
        torch.manual_seed(5)
        trainer.train_step(crops())
    for a, b in zip(first.average.parameters(), second.average.parameters(), strict=True):
        assert torch.equal(a, b)
    assert second.step == 4


@pytest.mark.slow
def test_a_run_over_a_folder_writes_weights_that_load(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (96, 80, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos / "a.png")
    settings = Settings(steps=2, save_every=1, batch_size=2, patch_size=64)
    train(photos, tmp_path / "run", settings)
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
    model = GainedHyperprior().eval()
    model.load_state_dict(torch.load(tmp_path / "run" / "weights.pt", weights_only=True))
    coded = model.compress(torch.rand(1, 3, 64, 64), quality=10)
    assert model.decompress(coded["strings"], coded["shape"], quality=10)["x_hat"].shape == (1, 3, 64, 64)
