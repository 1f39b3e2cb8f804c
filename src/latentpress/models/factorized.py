"""Factorised-prior models of Ballé et al., "Variational image compression with a scale hyperprior" (2018)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from latentpress.entropy_models import EntropyBottleneck
from latentpress.latent_codecs import EntropyBottleneckLatentCodec, LatentCodec
from latentpress.layers import GDN
from latentpress.models.base import SimpleVAECompressionModel
from latentpress.models.utils import conv, deconv
from latentpress.registry import register_model

__all__ = ["FactorizedPrior", "FactorizedPriorReLU", "analysis_transform", "synthesis_transform"]


def analysis_transform(N: int, M: int) -> nn.Sequential:
    """Four strided convolutions with GDN between them: (B, 3, H, W) to (B, M, H/16, W/16)."""
    return nn.Sequential(conv(3, N), GDN(N), conv(N, N), GDN(N), conv(N, N), GDN(N), conv(N, M))


def synthesis_transform(N: int, M: int) -> nn.Sequential:
    """The mirror of `analysis_transform`, with inverse GDN: (B, M, H/16, W/16) to (B, 3, H, W)."""
    return nn.Sequential(
        deconv(M, N),
        GDN(N, inverse=True),
        deconv(N, N),
        GDN(N, inverse=True),
        deconv(N, N),
        GDN(N, inverse=True),
        deconv(N, 3),
    )


@register_model("bmshj2018-factorized")
class FactorizedPrior(SimpleVAECompressionModel):
    """Factorised prior: every latent channel has a learned density, and there is no side information.

    .. code-block:: none

                 ┌─────┐  y  ┌───┐ y_hat            ┌─────┐
           x ──►─┤ g_a ├──►──┤ Q ├───►───····───►───┤ g_s ├──►── x_hat
                 └─────┘     └───┘        EB        └─────┘

    Args:
        N: channels inside the transforms.
        M: channels of the latent.

    Example:
        >>> import torch
        >>> net = FactorizedPrior(N=8, M=12).eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 32, 48))
        >>> net.decompress(**coded)["x_hat"].shape
        torch.Size([1, 3, 32, 48])
    """

    downsampling_factor = 16

    def __init__(self, N: int, M: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entropy_bottleneck = EntropyBottleneck(M)
        self.g_a = analysis_transform(N, M)
        self.g_s = synthesis_transform(N, M)
        self.N = N
        self.M = M

    def make_latent_codec(self, **options: Any) -> LatentCodec:
        """The codec of the latent, put together from the model's present attributes."""
        return EntropyBottleneckLatentCodec(self.entropy_bottleneck)

    @classmethod
    def _sizes(cls, state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        return {"N": state_dict["g_a.0.weight"].size(0), "M": state_dict["g_a.6.weight"].size(0)}


@register_model("bmshj2018-factorized-relu")
class FactorizedPriorReLU(FactorizedPrior):
    """`FactorizedPrior` with ReLU in place of GDN: a little worse, and easier to run in integers."""

    def __init__(self, N: int, M: int, **kwargs: Any) -> None:
        super().__init__(N, M, **kwargs)
        self.g_a = _with_relu(analysis_transform(N, M))
        self.g_s = _with_relu(synthesis_transform(N, M))


def _with_relu(transform: nn.Sequential) -> nn.Sequential:
    return nn.Sequential(*(nn.ReLU(inplace=True) if isinstance(layer, GDN) else layer for layer in transform))
