"""Trains the variable-rate default codec on a folder of photographs.

    python -m latentpress.training.variable_rate PHOTOS --run RUN --steps 50000

Run again with the same RUN to go on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.datasets.crops import InMemoryCrops
from latentpress.errors import ConfigurationError
from latentpress.models import GainedHyperprior
from latentpress.training.muon import Muon, split_parameters


@dataclass(frozen=True)
class Settings:
    """What a run depends on; saved beside its checkpoints."""

    steps: int = 50_000
    batch_size: int = 8
    patch_size: int = 256
    lr: float = 2e-3  # of Muon, on kernels
    adam_lr: float = 5e-4  # on everything else
    warmup: int = 500  # steps of rising learning rate
    cooldown: float = 0.4  # share of the steps, at the end, over which the learning rate falls to zero
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.999  # decay of the averaged weights, which are the ones shipped
    balance: float = 0.4  # losses are weighted by lmbda ** -balance, so that no rate drowns the others
    seed: int = 0
    save_every: int = 500


class Trainer:
    """A model, its optimisers and its position in the run."""

    def __init__(self, model: GainedHyperprior, settings: Settings) -> None:
        self.settings, self.step = settings, 0
        self.model = model.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.average = copy.deepcopy(model).eval().requires_grad_(False)
        kernels, others = split_parameters(model)
        quantiles = model.entropy_bottleneck.quantiles
        others = [parameter for parameter in others if parameter is not quantiles]
        self.trained = [*kernels, *others]
        self.optimizers = [
            Muon(kernels, lr=settings.lr),
            torch.optim.Adam(others, lr=settings.adam_lr),
            torch.optim.Adam([quantiles], lr=1e-3),
        ]
        self.bases = [optimizer.param_groups[0]["lr"] for optimizer in self.optimizers]

    def train_step(self, crops: Tensor) -> dict[str, float]:
        """One step on crops (N, 3, H, W) uint8; the loss and its parts."""
        self._set_learning_rates()
        device = next(self.model.parameters()).device
        x = crops.to(device).float().div(255).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            output = self.model(x, self._spread_rates(len(x)).to(device))
        loss, parts = self._loss(output, x)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        (loss + self.model.aux_loss()).backward()
        norm = nn.utils.clip_grad_norm_(self.trained, self.settings.clip)
        if torch.isfinite(norm):  # a step on a broken gradient would break the weights
            for optimizer in self.optimizers:
                optimizer.step()
        self.step += 1
        self._update_average()
        return {"loss": loss.item(), "grad_norm": norm.item(), **parts}

    def _spread_rates(self, count: int) -> Tensor:
        """Rates spread evenly over the whole range in each batch, at random offsets."""
        return (torch.arange(count) + torch.rand(count)) / count * (self.model.num_rates - 1)

    def _loss(self, output: dict[str, Any], x: Tensor) -> tuple[Tensor, dict[str, float]]:
        likelihoods: dict[str, Tensor] = output["likelihoods"]
        bits = torch.stack([-torch.log2(p.float()).sum((1, 2, 3)) for p in likelihoods.values()]).sum(0)
        bpp = bits / (x.shape[2] * x.shape[3])
        mse = (output["x_hat"].float() - x).square().mean((1, 2, 3))
        lmbda = output["lmbda"]
        weight = (lmbda / math.prod(self.model.lmbda_range) ** 0.5) ** -self.settings.balance
        loss = (weight * (lmbda * 255**2 * mse + bpp)).mean()
        return loss, {"bpp": bpp.mean().item(), "psnr": -10 * mse.log10().mean().item()}

    def _set_learning_rates(self) -> None:
        s = self.settings
        left = (s.steps - self.step) / max(1.0, s.cooldown * s.steps)
        factor = min(1.0, (self.step + 1) / s.warmup, left)
        for optimizer, base in zip(self.optimizers, self.bases, strict=True):
            optimizer.param_groups[0]["lr"] = base * factor

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)

    def save(self, path: Path) -> None:
        """Write everything needed to go on, atomically."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, path)

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def train(photos: Path, run: Path, settings: Settings, device: str = "cpu") -> GainedHyperprior:
    """Train on the photographs in a folder, going on from the last checkpoint in `run` if there is one.

    Returns:
        The model with averaged weights and coder tables, also written to `run/weights.pt`.
    """
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    trainer = Trainer(GainedHyperprior().to(device), settings)
    checkpoint = run / "last.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
    (run / "settings.json").write_text(json.dumps(asdict(settings), indent=2))
    torch.manual_seed(settings.seed + trainer.step)
    crops = InMemoryCrops(
        photos, settings.patch_size, settings.batch_size, seed=settings.seed + trainer.step
    ).prefetched()
    while trainer.step < settings.steps:
        started, totals = time.perf_counter(), dict.fromkeys(("loss", "grad_norm", "bpp", "psnr"), 0.0)
        count = min(settings.save_every, settings.steps - trainer.step)
        for _ in range(count):
            for name, value in trainer.train_step(next(crops)).items():
                totals[name] += value / count
        record = {"step": trainer.step, "seconds": time.perf_counter() - started, **totals}
        if not math.isfinite(record["loss"]):
            raise ConfigurationError(
                f"The loss stopped being finite by step {trainer.step}; {checkpoint} is good."
            )
        with (run / "log.jsonl").open("a") as log:
            log.write(json.dumps(record) + "\n")
        print(" ".join(f"{name} {value:.4g}" for name, value in record.items()), flush=True)
        trainer.save(checkpoint)
    model = trainer.average
    model.update(force=True, update_quantiles=True)
    torch.save(model.state_dict(), run / "weights.pt")
    return model


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, help="folder of photographs to train on")
    parser.add_argument("--run", type=Path, required=True, help="folder of the checkpoints and the log")
    parser.add_argument("--device", default="cpu")
    for field in fields(Settings):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default
        )
    arguments = vars(parser.parse_args())
    photos, run, device = (arguments.pop(name) for name in ("photos", "run", "device"))
    train(photos, run, Settings(**arguments), device)


if __name__ == "__main__":
    main()
