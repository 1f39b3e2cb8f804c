"""What is minimised: from a model's output to a loss, whatever family the model is of.

Four kinds of output are understood: `x_hat` and `likelihoods` (one trade-off), the same with `lmbda`, a
trade-off for each image (variable rate), lists of frames (video), and a `loss` that the model has worked out
itself (hierarchical VAEs).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.losses import RateDistortionLoss
from latentpress.training.settings import ModelSettings

Images = Tensor | list[Tensor]


class Objective(nn.Module):
    """The loss of a model's output, and what it consists of.

    Args:
        metric: "mse" or "ms-ssim".
        lmbda: trade-off of a model that has one; None for models that bring their own.
        balance: losses of a variable-rate model are weighted by `(lmbda / middle)**-balance`.
        middle: see `balance`; the geometric mean of the range of lambdas keeps the usual loss as large as it
            was.
    """

    def __init__(
        self, metric: str = "mse", lmbda: float | None = None, balance: float = 0.0, middle: float = 1.0
    ) -> None:
        super().__init__()
        self.metric, self.lmbda, self.balance, self.middle = metric, lmbda, balance, middle
        self.one_rate = RateDistortionLoss(1.0 if lmbda is None else lmbda, metric)

    @classmethod
    def of(cls, model: nn.Module, settings: ModelSettings) -> Objective:
        """The objective that settings ask for, of a model."""
        low, high = getattr(model, "lmbda_range", (1.0, 1.0))
        return cls(settings.metric, settings.lmbda, settings.balance, middle=math.sqrt(low * high))

    def forward(self, output: Any, x: Images) -> dict[str, Tensor]:
        """Compare an output with the images (N, 3, H, W), or frames, that the model was given.

        Returns:
            Scalars: "loss", and without gradient "bpp" and "psnr" in dB or "ms_ssim".

        Raises:
            ConfigurationError: the output is of no kind that is understood, or the trade-off is missing.
        """
        if isinstance(output, Mapping) and "loss" in output:
            return _own_loss(output)
        if not isinstance(output, Mapping) or not {"x_hat", "likelihoods"} <= output.keys():
            found = ", ".join(map(str, output)) if isinstance(output, Mapping) else type(output).__name__
            raise ConfigurationError(
                "Expected forward to return a dictionary with x_hat and likelihoods, or with a loss of its "
                f"own, found {found}: return such a dictionary."
            )
        likelihoods = dict(enumerate(_tensors(output["likelihoods"])))
        x_hat, target = _as_images(output["x_hat"]), _as_images(x)
        if "lmbda" in output:
            return self._at_many_rates(x_hat, likelihoods, target, output["lmbda"])
        if self.lmbda is None:
            raise ConfigurationError(
                "Expected a trade-off for this model, found none: give lmbda or quality."
            )
        parts = self.one_rate({"x_hat": x_hat, "likelihoods": likelihoods}, target)
        return {
            "loss": parts["loss"],
            "bpp": parts["bpp_loss"].detach(),
            **self._score(parts[self.one_rate.distortion_name].detach()),
        }

    def _at_many_rates(
        self, x_hat: Tensor, likelihoods: Mapping[Any, Tensor], target: Tensor, lmbda: Tensor
    ) -> dict[str, Tensor]:
        pixels = target.shape[2] * target.shape[3]
        bits = torch.stack([-p.float().log2().flatten(1).sum(1) for p in likelihoods.values()]).sum(0)
        bpp, distortion = bits / pixels, self._distortion_per_image(x_hat.float(), target)
        unit = 255.0**2 if self.metric == "mse" else 1.0
        weight = (lmbda / self.middle) ** -self.balance
        loss = (weight * (lmbda * unit * distortion + bpp)).mean()
        return {"loss": loss, "bpp": bpp.detach().mean(), **self._score(distortion.detach().mean())}

    def _distortion_per_image(self, x_hat: Tensor, target: Tensor) -> Tensor:
        if self.metric == "mse":
            return (x_hat - target).square().mean((1, 2, 3))
        from pytorch_msssim import ms_ssim

        similarity: Tensor = ms_ssim(x_hat, target, data_range=1.0, size_average=False)
        return 1 - similarity

    def _score(self, distortion: Tensor) -> dict[str, Tensor]:
        if self.metric == "mse":
            return {"psnr": -10 * distortion.log10()}
        return {"ms_ssim": 1 - distortion}


def _own_loss(output: Mapping[str, Tensor]) -> dict[str, Tensor]:
    parts = {name: output[name].detach() for name in ("bpp", "psnr", "ms_ssim") if name in output}
    return {"loss": output["loss"], **parts}


def _tensors(nested: Any) -> list[Tensor]:
    """The tensors in dictionaries and lists, however deep."""
    if isinstance(nested, Tensor):
        return [nested]
    inside = nested.values() if isinstance(nested, Mapping) else nested
    return [tensor for part in inside for tensor in _tensors(part)]


def _as_images(images: Images) -> Tensor:
    """Images as they are; the frames of sequences as one batch."""
    return images if isinstance(images, Tensor) else torch.cat(list(images))


class TrainingStep(nn.Module):
    """Model and objective as one module, so that DistributedDataParallel sees all that is done with the
    weights, the auxiliary loss included.

    The gradient of the sum is that of each part: the auxiliary loss reaches the quantiles alone, and the
    rate-distortion loss everything but them.
    """

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, x: Images) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum to take the gradient of, and its parts without gradient."""
        parts = self.objective(self.model(x, **_rates(self.model, x)), x)
        aux = self._aux_loss(parts["loss"])
        total = parts["loss"] + aux
        return total, {**{name: value.detach() for name, value in parts.items()}, "aux": aux.detach()}

    def _aux_loss(self, like: Tensor) -> Tensor:
        """The auxiliary losses of a model, which gives one, a list of them or none, in all."""
        aux_loss: Callable[[], Any] | None = getattr(self.model, "aux_loss", None)
        losses = [] if aux_loss is None else _tensors(aux_loss())
        return torch.stack(losses).sum() if losses else like.new_zeros(())


def _rates(model: nn.Module, x: Images) -> dict[str, Tensor]:
    """Rates for a model that takes one for each image: spread evenly over all of them, at random offsets.

    Each batch then holds low rates and high ones, which makes for steadier gradients than drawing each rate
    by itself.
    """
    gains: int | None = getattr(model, "num_rates", None)
    if gains is None or not isinstance(x, Tensor):
        return {}
    count = len(x)
    places = torch.arange(count, device=x.device) + torch.rand(count, device=x.device)
    return {"rate": places / count * (gains - 1)}
