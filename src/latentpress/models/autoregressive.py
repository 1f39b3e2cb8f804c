"""The autoregressive model of Minnen et al., "Joint autoregressive and hierarchical priors for learned image
compression" (NeurIPS 2018)."""

from typing import Any

from torch import nn

from latentpress.latent_codecs import LatentCodec, RasterScanLatentCodec
from latentpress.latent_codecs.autoregressive import StreamOrder
from latentpress.layers import MaskedConv2d
from latentpress.models.hyperprior import MeanScaleHyperprior
from latentpress.registry import register_model

__all__ = ["JointAutoregressiveHierarchicalPriors", "context_model", "parameter_network"]


def context_model(M: int) -> MaskedConv2d:
    """Type-A masked 5x5 convolution from the quantised latent, M channels, to the context, 2M."""
    return MaskedConv2d(M, 2 * M, kernel_size=5, padding=2, stride=1)


def parameter_network(M: int) -> nn.Sequential:
    """1x1 convolutions from side information and context, 4M channels together, to M scales and M means."""
    return nn.Sequential(
        nn.Conv2d(M * 12 // 3, M * 10 // 3, 1),
        nn.LeakyReLU(inplace=True),
        nn.Conv2d(M * 10 // 3, M * 8 // 3, 1),
        nn.LeakyReLU(inplace=True),
        nn.Conv2d(M * 8 // 3, M * 6 // 3, 1),
    )


@register_model("mbt2018")
class JointAutoregressiveHierarchicalPriors(MeanScaleHyperprior):
    """Mean-scale hyperprior with a context model: scales and means also depend on the elements coded before.

    .. code-block:: none

                 ┌─────┐    y   ┌───┐  z  ┌─────┐ z_hat       z_hat ┌─────┐
           x ──►─┤ g_a ├──►─┬──►┤h_a├──►──┤  Q  ├───►───····───►────┤ h_s ├─┐
                 └─────┘    │   └───┘     └─────┘        EB         └─────┘ │ params
                            │                                             ┌─┴──┐ ctx ┌────┐
                            │                                             │ EP ├──◄──┤ CP ├─┐
                            │                                             └─┬──┘     └────┘ │
                            │   ┌───┐                         scales, means ▼               │ y_hat
                            └──►┤ Q ├───►─────────────····────────►─────────┴───────────────┴──► ...
                                └───┘                  GC

    CP is `context_prediction`, EP is `entropy_parameters`. `compress` and `decompress` take `order`:
    `"raster"`, the default, for strings that other implementations read and write, or `"wavefront"` for
    strings of the same length that are coded faster.

    Args:
        N: channels inside the transforms, and of z.
        M: channels of the latent y.

    Attributes:
        stream_orders: what `order` may be, the fastest first.

    Example:
        >>> import torch
        >>> net = JointAutoregressiveHierarchicalPriors(N=8, M=12).eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 64, 128), order="wavefront")
        >>> net.decompress(**coded, order="wavefront")["x_hat"].shape
        torch.Size([1, 3, 64, 128])
    """

    stream_orders: tuple[StreamOrder, ...] = ("wavefront", "raster")

    def __init__(self, N: int = 192, M: int = 192, **kwargs: Any) -> None:
        super().__init__(N, M, **kwargs)
        self.context_prediction = context_model(M)
        self.entropy_parameters = parameter_network(M)

    def _y_codec(self, order: StreamOrder = "raster") -> LatentCodec:
        return RasterScanLatentCodec(
            self.gaussian_conditional, self.entropy_parameters, self.context_prediction, order
        )
