"""Rate and distortion of a hierarchy over lambdas, measured on image files."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor

from latentpress.errors import ConfigurationError
from latentpress.models.hierarchical.discrete import CodingHierarchy
from latentpress.models.hierarchical.files import padded, read_image
from latentpress.models.hierarchical.hierarchy import HierarchicalVAE


@dataclass(frozen=True)
class RatePoint:
    """Means over images at one lambda: bits per pixel of the original image, and PSNR in dB."""

    lmb: float
    bpp: float
    psnr: float


def lambdas_of(model: HierarchicalVAE, points: int = 8) -> list[float]:
    """Lambdas for a curve: `points` at equal ratios over the model's range, or the one that it has."""
    if model.lmb_range is None:
        return [model.default_lmb]
    low, high = (math.log(bound) for bound in model.lmb_range)
    inner = [math.exp(low + (high - low) * i / (points - 1)) for i in range(1, points - 1)]
    return [model.lmb_range[0], *inner, model.lmb_range[1]]


@torch.inference_mode()
def self_evaluate(
    model: HierarchicalVAE,
    images: Sequence[str | PathLike[str]],
    lmbs: Iterable[float] | None = None,
    coded: bool = False,
    progress: bool = True,
) -> list[RatePoint]:
    """A rate-distortion curve.

    Args:
        model: any hierarchy, in evaluation mode.
        images: image files of any size.
        lmbs: lambdas to measure at; `lambdas_of(model)` where None.
        coded: code and decode every image and count bytes, instead of computing the rate from probabilities.
        progress: show a bar.

    Raises:
        ConfigurationError: there are no images, the model is in training mode, or it cannot code.
        ImageError: a file is not an image.
    """
    if not images or model.training:
        raise ConfigurationError(
            "Expected at least one image, and a model in evaluation mode (model.eval())."
        )
    if coded and not isinstance(model, CodingHierarchy):
        raise ConfigurationError("This model has no bit stream; leave coded=False.")
    chosen = lambdas_of(model) if lmbs is None else [float(lmb) for lmb in lmbs]
    measure = _measure_coded if coded else _measure_computed
    points = []
    with Progress(disable=not progress, transient=True) as bar:
        task = bar.add_task("evaluating", total=len(chosen) * len(images))
        for lmb in chosen:
            figures = []
            for path in images:
                figures.append(measure(model, read_image(path).to(model.constant().device), lmb))
                bar.advance(task)
            bpp, psnr = np.mean(figures, axis=0)
            points.append(RatePoint(lmb, float(bpp), float(psnr)))
    return points


def _measure_computed(model: HierarchicalVAE, x: Tensor, lmb: float) -> tuple[float, float]:
    framed = padded(x, model.downsampling_factor)
    parts = model(framed, lmb)
    nats = float(parts["kl"]) * framed[0].numel()
    return nats / math.log(2.0) / _pixels(x), _psnr(parts["x_hat"], x)


def _measure_coded(model: HierarchicalVAE, x: Tensor, lmb: float) -> tuple[float, float]:
    assert isinstance(model, CodingHierarchy)
    framed = padded(x, model.downsampling_factor)
    arithmetic = model.fastest_arithmetic()  # as files would be in
    strings = model.encode(framed, lmb, arithmetic)
    x_hat = model.decode(strings, model.grid_of(framed), lmb, arithmetic=arithmetic)
    return 8.0 * sum(len(latent[0]) for latent in strings) / _pixels(x), _psnr(x_hat, x)


def _pixels(x: Tensor) -> int:
    return x.shape[2] * x.shape[3]


def _psnr(x_hat: Tensor, x: Tensor) -> float:
    """PSNR in dB of the 8-bit image, over the original's area; infinite where nothing differs."""
    levels = (x_hat[..., : x.shape[2], : x.shape[3]].clamp(0.0, 1.0) * 255.0).round()
    error = float((levels - (x * 255.0).round()).square().mean()) / 255.0**2
    return math.inf if error == 0.0 else -10.0 * math.log10(error)
