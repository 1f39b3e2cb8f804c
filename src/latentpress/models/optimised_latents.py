"""Latents optimised for one image: fewer bits at the same quality, for time at the encoder.

From where the analysis transform puts them, latents follow the gradient of the image's own rate and
distortion (Yang, Bamler and Mandt, "Improving inference for neural image compression", NeurIPS 2020).
Decoders do not change.

The first steps round by a soft staircase, and divide the gradient by the curvature of the distortion, which
is known where the synthesis is nearly orthonormal: most of the gain takes 20 steps. Further ones anneal with
noise, which finds a little more in many steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.models.base import SimpleVAECompressionModel
from latentpress.ops.rounding import GumbelRounding, SoftRounding, rounding_by

__all__ = ["Objective", "optimise_latent"]

STAIRCASE_STEPS = 20
FIRST_SHARPNESS, LAST_SHARPNESS = 2.0, 5.0
STAIRCASE_RATE, MOMENTUM = 0.05, 0.5
FIRST_TEMPERATURE, LAST_TEMPERATURE = 0.3, 0.1
ANNEALING_RATE = 0.003  # of Adam, in steps of the quantiser
WINDOW, MARGIN = 768, 64  # pixels a side that are optimised at once, and what is computed around them


class Objective(NamedTuple):
    """What is minimised: `lmbda * distortion + bits per pixel`.

    Attributes:
        lmbda: trade-off, as the model's loss has it.
        metric: "mse", of 255 times the values, or "ms-ssim", of which the distance to 1 counts.
    """

    lmbda: float
    metric: str = "mse"

    def distortion(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Its first term, for images (1, 3, H, W)."""
        if self.metric == "mse":
            return self.lmbda * 255**2 * (x_hat - x).square().mean()
        from pytorch_msssim import ms_ssim

        similarity: Tensor = ms_ssim(x_hat, x, data_range=1.0)
        return self.lmbda * (1 - similarity)


def optimise_latent(
    model: SimpleVAECompressionModel,
    x: Tensor,
    y: Tensor,
    objective: Objective,
    steps: int,
    *,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    on_step: Callable[[float], None] | None = None,
) -> Tensor:
    """A latent that codes the image better than `y` does.

    Large images are worked through in windows, in bounded memory. What is found is the same for the same
    seed, number of threads and machine.

    Args:
        model: in eval mode.
        x: image (1, 3, H, W) in [0, 1], whose sides are multiples of `downsampling_factor`.
        y: what `model.analyse(x)` gave.
        objective: what to minimise.
        steps: of the gradient, for each window.
        options: what `model.make_latent_codec` is told.
        seed: of the noise.
        on_step: called with the share of the work that is done.

    Returns:
        A latent of the shape of `y`, for `model.compress_latent`.

    Raises:
        ConfigurationError: there is more than one image.
    """
    if len(x) != 1 or steps < 0:
        raise ConfigurationError(f"Expected one image and some steps, found {len(x)} and {steps}.")
    scale = x.shape[-1] // y.shape[-1]
    found, windows = y.clone(), list(_windows(x.shape[-2], x.shape[-1], scale))
    generator = torch.Generator(x.device)
    for number, window in enumerate(windows):
        generator.manual_seed(seed)

        def tell(share: float, done: int = number) -> None:
            if on_step is not None:
                on_step((done + share) / len(windows))

        part = _optimised(
            model, window.of(x, scale), window.of(found, 1), objective, steps, options or {}, generator, tell
        )
        window.put(part, found)
    return found


class _Window(NamedTuple):
    """Rows and columns of a latent that are computed, and those of them that are kept."""

    rows: slice
    columns: slice
    kept_rows: slice
    kept_columns: slice

    def of(self, x: Tensor, scale: int) -> Tensor:
        rows, columns = (slice(s.start * scale, s.stop * scale) for s in (self.rows, self.columns))
        return x[..., rows, columns]

    def put(self, part: Tensor, y: Tensor) -> None:
        rows, columns = self.kept_rows, self.kept_columns
        y[..., rows, columns] = part[
            ...,
            rows.start - self.rows.start : rows.stop - self.rows.start,
            columns.start - self.columns.start : columns.stop - self.columns.start,
        ]


def _windows(height: int, width: int, scale: int) -> Iterator[_Window]:
    for rows, kept_rows in _stretches(height, scale):
        for columns, kept_columns in _stretches(width, scale):
            yield _Window(rows, columns, kept_rows, kept_columns)


def _stretches(size: int, scale: int) -> list[tuple[slice, slice]]:
    """What is computed of one side of a latent, and what is kept of it, from pixels."""
    count = max(1, round(size / WINDOW))
    units = size // MARGIN
    edges = [*(MARGIN * (units * number // count) for number in range(count)), size]
    found = []
    for start, end in pairwise(edges):
        first, last = max(0, start - MARGIN), min(size, end + MARGIN)
        found.append((slice(first // scale, last // scale), slice(start // scale, end // scale)))
    return found


def _optimised(
    model: SimpleVAECompressionModel,
    x: Tensor,
    y: Tensor,
    objective: Objective,
    steps: int,
    options: Mapping[str, Any],
    generator: torch.Generator,
    on_step: Callable[[float], None],
) -> Tensor:
    with torch.inference_mode(False), torch.enable_grad():
        x, start = x.clone(), y.detach().clone()
        codec = model.make_latent_codec(**options)
        unit = _quantiser_step(model, options)

        def cost(moved: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
            with rounding_by(rounding):
                coded = codec(start + unit * moved)
                x_hat = model.g_s(coded["y_hat"]).clamp(0, 1)
            nats = sum(-p.float().log().sum() for p in coded["likelihoods"].values())
            return objective.distortion(x_hat, x) + nats / (math.log(2) * x[0, 0].numel())

        moved = torch.zeros_like(start, requires_grad=True)
        staircase = min(steps, STAIRCASE_STEPS) if objective.metric == "mse" else 0
        if staircase:
            curvature = 2 * objective.lmbda * 255**2 * unit**2 / x.numel()
            velocity = torch.zeros_like(start)
            for step in range(staircase):
                share = step / staircase
                sharpness = FIRST_SHARPNESS * (LAST_SHARPNESS / FIRST_SHARPNESS) ** share
                (gradient,) = torch.autograd.grad(cost(moved, SoftRounding(sharpness)), [moved])
                velocity.mul_(MOMENTUM).add_(gradient / curvature)
                with torch.no_grad():
                    moved -= STAIRCASE_RATE * (1 - 0.9 * share) * velocity
                on_step((step + 1) / steps)
        optimizer = torch.optim.Adam([moved], lr=ANNEALING_RATE)
        for step in range(steps - staircase):
            share = step / (steps - staircase)
            temperature = FIRST_TEMPERATURE * (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** share
            optimizer.param_groups[0]["lr"] = ANNEALING_RATE * (1 - 0.9 * share)
            (moved.grad,) = torch.autograd.grad(cost(moved, GumbelRounding(temperature, generator)), [moved])
            optimizer.step()
            on_step((staircase + step + 1) / steps)
        with torch.no_grad():
            better = bool(cost(moved, torch.round) < cost(torch.zeros_like(moved), torch.round))
        return (start + unit * moved).detach() if better else start


def _quantiser_step(model: nn.Module, options: Mapping[str, Any]) -> Tensor | float:
    """How far apart the values are that a latent is rounded to."""
    gain = getattr(model, "gain", None)
    return 1.0 if gain is None else 1 / gain(options["rate"]).detach()
