"""How good the model is on images that it does not learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from latentpress.errors import ImageError
from latentpress.evaluation import find_images, read_image
from latentpress.training.objectives import Objective
from latentpress.training.processes import Processes

QUALITIES = (10, 50, 90)  # at which a variable-rate model is validated
LAMBDAS = (0.1, 0.5, 0.9)  # the same for a range of lambdas: places in it, in the logarithm


class Validation(NamedTuple):
    """Means over all images and rates, and reconstructions of the first images, (3, H, W) in [0, 1]."""

    means: dict[str, float]
    reconstructions: dict[str, Tensor]


class ValidationImages:
    """Images in memory, cut at the right and bottom to whole multiples of the model's stride.

    Args:
        folder: searched however deep.
        factor: sides are multiples of it; smaller images are left out.

    Raises:
        ImageError: there is no image that is large enough, or one cannot be read.
    """

    def __init__(self, folder: str | Path, factor: int) -> None:
        self.images: dict[str, Tensor] = {}
        for file in find_images([folder]):
            image = _cut(read_image(file.path), factor)
            if image.numel():
                self.images[file.source] = image
        if not self.images:
            raise ImageError(f"Expected images of at least {factor} pixels a side in {folder}, found none.")


def validate(
    model: nn.Module,
    objective: Objective,
    images: ValidationImages,
    processes: Processes,
    reconstructions: int = 0,
) -> Validation:
    """Measure the model, in evaluation mode and without gradient, on this process's share of the images.

    Args:
        model: the network; its mode is restored.
        objective: what it is trained on.
        images: what to measure on.
        processes: those that share the work; all get the same means.
        reconstructions: how many reconstructed images to return.
    """
    was_training = model.training
    model.eval()
    rates = rates_of(model)
    totals: dict[str, float] = {}
    shown: dict[str, Tensor] = {}
    for number, (name, image) in enumerate(images.images.items()):
        mine = number % processes.count == processes.rank
        for rate in rates if mine or number == 0 else ():
            parts, x_hat = _measure(model, objective, image.to(processes.device), rate)
            for part, value in parts.items():
                totals[part] = totals.get(part, 0.0) + value * mine
            if number < reconstructions and x_hat is not None:
                label = ", ".join(f"{key} {value:g}" for key, value in rate.items())
                shown[f"{name} {label}".strip()] = x_hat
    model.train(was_training)
    sums = processes.sums(totals)
    count = len(images.images) * len(rates)
    return Validation({name: value / count for name, value in sums.items()}, shown)


def rates_of(model: nn.Module) -> list[dict[str, float]]:
    """What `forward` is given to cover a model's rates; one empty dictionary for a model of one rate."""
    if getattr(model, "lmb_range", None) is not None:
        low, high = model.lmb_range  # type: ignore[misc]
        return [{"lmb": float(low * (high / low) ** place)} for place in LAMBDAS]
    if hasattr(model, "num_rates"):
        return [{"quality": float(quality)} for quality in QUALITIES]
    return [{}]


@torch.no_grad()
def _measure(
    model: nn.Module, objective: Objective, x: Tensor, rate: Mapping[str, Any]
) -> tuple[dict[str, float], Tensor | None]:
    output = model(x, **rate)
    parts = {name: float(value) for name, value in objective(output, x).items()}
    x_hat = output.get("x_hat")
    return parts, None if x_hat is None else x_hat[0].clamp(0, 1).float().cpu()


def _cut(image: Tensor, factor: int) -> Tensor:
    height, width = (side // factor * factor for side in image.shape[-2:])
    return image[..., :height, :width]


def comparison(original: Sequence[Tensor]) -> Tensor:
    """Images of the same height side by side."""
    return torch.cat(list(original), dim=-1)
