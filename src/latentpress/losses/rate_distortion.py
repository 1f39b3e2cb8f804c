"""The rate-distortion trade-off that compression models are trained on."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.registry import register_criterion

__all__ = ["RateDistortionLoss"]


@register_criterion("RateDistortionLoss")
class RateDistortionLoss(nn.Module):
    """`lmbda * distortion + bpp` of a model's output.

    The distortion is `255^2 * MSE` for metric `"mse"` and `1 - MS-SSIM` for `"ms-ssim"`; the rate is in bits
    per pixel of the target.

    Args:
        lmbda: price of distortion in bits per pixel; a larger value buys quality with bits.
        metric: `"mse"` or `"ms-ssim"`; the second needs the package `pytorch-msssim` and sides above 160
        pixels.
        return_type: `"all"` for a dictionary, or the name of the one entry to return as a tensor.

    Raises:
        ConfigurationError: a metric or return type that does not exist, or `pytorch-msssim` is missing.

    Example:
        >>> x = torch.rand(1, 3, 16, 16)
        >>> output = {"x_hat": x, "likelihoods": {"y": torch.full((1, 4, 8, 8), 0.5)}}
        >>> {name: float(value) for name, value in RateDistortionLoss(lmbda=0.01)(output, x).items()}
        {'bpp_loss': 1.0, 'mse_loss': 0.0, 'loss': 1.0}
    """

    def __init__(self, lmbda: float = 0.01, metric: str = "mse", return_type: str = "all") -> None:
        super().__init__()
        metrics: dict[str, Callable[[], tuple[str, Callable[[Tensor, Tensor], Tensor], float]]] = {
            "mse": lambda: ("mse_loss", F.mse_loss, 255.0**2),
            "ms-ssim": lambda: ("ms_ssim_loss", _one_minus_ms_ssim(), 1.0),
        }
        if metric not in metrics:
            raise ConfigurationError(f"metric must be one of {', '.join(metrics)}, not {metric!r}.")
        self.distortion_name, self._distortion, self._unit = metrics[metric]()
        returned = ("all", "loss", "bpp_loss", self.distortion_name)
        if return_type not in returned:
            raise ConfigurationError(
                f"return_type must be one of {', '.join(returned)}, not {return_type!r}."
            )
        self.lmbda = lmbda
        self.metric = metric
        self.return_type = return_type

    def forward(self, output: Mapping[str, Any], target: Tensor) -> dict[str, Tensor] | Tensor:
        """Compare a model's output with the images `target` (N, 3, H, W) in [0, 1] that it was given.

        Args:
            output: `"x_hat"` (N, 3, H, W) and `"likelihoods"`, a dictionary of tensors.
            target: the original images.

        Returns:
            Scalars: `"loss"`, `"bpp_loss"` (bits per pixel), and `"mse_loss"` (on the scale of [0, 1]) or
            `"ms_ssim_loss"` (1 - MS-SSIM).
        """
        pixels = target.size(0) * target.size(2) * target.size(3)
        losses = {"bpp_loss": _bits(output["likelihoods"].values()) / pixels}
        distortion = self._distortion(output["x_hat"].to(target.dtype), target)
        losses[self.distortion_name] = distortion
        losses["loss"] = self.lmbda * self._unit * distortion + losses["bpp_loss"]
        return losses if self.return_type == "all" else losses[self.return_type]


def _bits(likelihoods: Any) -> Tensor:
    return torch.stack([likelihood.log().sum() for likelihood in likelihoods]).sum() / -math.log(2)


def _one_minus_ms_ssim() -> Callable[[Tensor, Tensor], Tensor]:
    try:
        from pytorch_msssim import ms_ssim
    except ImportError as error:
        raise ConfigurationError(
            "The metric 'ms-ssim' needs the package pytorch-msssim: pip install 'latentpress[eval]'."
        ) from error

    def distortion(x_hat: Tensor, target: Tensor) -> Tensor:
        return 1 - ms_ssim(x_hat, target, data_range=1.0)

    return distortion
