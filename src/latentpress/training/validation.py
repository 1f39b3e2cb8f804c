"""How good the model is on images that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from latentpress.errors import ImageError
from latentpress.evaluation import find_images, read_image
from latentpress.training.data import sequences
from latentpress.training.objectives import Images, Objective
from latentpress.training.processes import Processes

QUALITIES = (10, 50, 90)  # at which a variable-rate model is validated
LAMBDAS = (0.1, 0.5, 0.9)  # the same for a range of lambdas: places in it, in the logarithm


class Validation(NamedTuple):
    """Means over all images and rates, and reconstructions of the first images, (3, H, W) in [0, 1]."""

    means: dict[str, float]
    reconstructions: dict[str, Tensor]


class ValidationSet:
    """Images, or sequences of frames, cut at the right and bottom to whole multiples of the model's stride.

    Args:
        folder: of images, however deep; or of sequences, see `latentpress.training.data.sequences`.
        factor: sides are multiples of it; smaller images are left out.
        frames: of a sequence; 0 for images.
        limit: take at most so many; 0 for all.
        batch: how many of the same size are measured at once.

    Raises:
        ImageError: there is no image that is large enough, or one cannot be read.
        DataError: the folder lacks its list of sequences.
    """

    def __init__(
        self, folder: str | Path, factor: int, *, frames: int = 0, limit: int = 0, batch: int = 1
    ) -> None:
        self.factor, self.batch = factor, batch
        self._read: dict[str, Callable[[], Images]] = {}
        if frames:
            clips = sequences(folder, frames, "test")
            for index in range(len(clips)):
                self._read[f"sequence {index}"] = partial(_frames, clips, index)
        else:
            for file in find_images([folder]):
                self._read[file.source] = partial(read_image, file.path)
        names = list(self._read)[: limit or None]
        self.shapes = {name: self.item(name)[0].shape for name in names}
        self.shapes = {name: shape for name, shape in self.shapes.items() if shape.numel()}
        if not self.shapes:
            raise ImageError(f"Expected images of at least {factor} pixels a side in {folder}, found none.")

    def item(self, name: str) -> Images:
        """An image (1, 3, H, W) in [0, 1], or a list of frames like it."""
        item = self._read[name]()
        if isinstance(item, Tensor):
            return _cut(item, self.factor)
        return [_cut(frame, self.factor) for frame in item]

    def batches(self) -> Iterator[list[str]]:
        """The names of what is measured at once."""
        by_shape: dict[Any, list[str]] = {}
        for name, shape in self.shapes.items():
            by_shape.setdefault(shape, []).append(name)
        for names in by_shape.values():
            yield from (names[start : start + self.batch] for start in range(0, len(names), self.batch))


def validate(
    model: nn.Module,
    objective: Objective,
    chosen: ValidationSet,
    processes: Processes,
    reconstructions: int = 0,
) -> Validation:
    """Measure the model, in evaluation mode and without gradient, on this process's share of the images.

    Args:
        model: the network; its mode is restored.
        objective: what it is trained on.
        chosen: what to measure on.
        processes: those that share the work; all get the same means.
        reconstructions: how many reconstructed images to return; of a sequence, its last frame.
    """
    was_training = model.training
    model.eval()
    rates = rates_of(model)
    totals: dict[str, float] = {}
    shown: dict[str, Tensor] = {}
    wanted = list(chosen.shapes)[:reconstructions]
    for number, names in enumerate(chosen.batches()):
        mine = number % processes.count == processes.rank
        if not (mine or number == 0 or set(names) & set(wanted)):  # the first batch says what is measured
            continue
        x = _together([chosen.item(name) for name in names], processes.device)
        for rate in rates:
            parts, x_hat = _measure(model, objective, x, rate)
            for part, value in parts.items():
                totals[part] = totals.get(part, 0.0) + value * len(names) * mine
            label = ", ".join(f"{key} {value:g}" for key, value in rate.items())
            if x_hat is not None:
                shown |= {
                    f"{name} {label}".strip(): picture
                    for name, picture in zip(names, x_hat, strict=True)
                    if name in wanted
                }
    model.train(was_training)
    sums = processes.sums(totals)
    count = len(chosen.shapes) * len(rates)
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
    model: nn.Module, objective: Objective, x: Images, rate: Mapping[str, Any]
) -> tuple[dict[str, float], Tensor | None]:
    """Means over the images of a batch, each judged by itself where the model lets it; and reconstructions
    (N, 3, H, W)."""
    output = model(x, **rate)
    count = len(x if isinstance(x, Tensor) else x[0])
    if "loss" in output:
        alone = [(output, x)]
    else:
        alone = [(_one(output, place), _one(x, place)) for place in range(count)]
    totals: dict[str, float] = {}
    for judged, target in alone:
        for name, value in objective(judged, target).items():
            totals[name] = totals.get(name, 0.0) + float(value) / len(alone)
    x_hat = output.get("x_hat")
    x_hat = x_hat[-1] if isinstance(x_hat, list) else x_hat
    return totals, None if x_hat is None else x_hat.clamp(0, 1).float().cpu()


def _one(nested: Any, place: int) -> Any:
    """One image's part of tensors in dictionaries and lists, still as a batch."""
    if isinstance(nested, Tensor):
        return nested[place : place + 1]
    if isinstance(nested, Mapping):
        return {key: _one(inside, place) for key, inside in nested.items()}
    return [_one(inside, place) for inside in nested]


def _together(items: Sequence[Images], device: torch.device) -> Images:
    """Images, or sequences of as many frames, as one batch."""
    first = items[0]
    if isinstance(first, Tensor):
        return torch.cat([item for item in items if isinstance(item, Tensor)]).to(device)
    return [torch.cat(frames).to(device) for frames in zip(*items, strict=True)]


def _frames(clips: Any, index: int) -> list[Tensor]:
    return [frame[None] for frame in clips[index]]


def _cut(image: Tensor, factor: int) -> Tensor:
    height, width = (side // factor * factor for side in image.shape[-2:])
    return image[..., :height, :width]
