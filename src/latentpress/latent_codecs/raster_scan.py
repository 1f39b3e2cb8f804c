"""Autoregressive coding: each element of a latent is predicted from those coded before it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.entropy_models import GaussianConditional
from latentpress.latent_codecs.autoregressive import AutoregressiveCoder, StreamOrder
from latentpress.latent_codecs.base import LatentCodec, checked_strings
from latentpress.layers import MaskedConv2d

__all__ = ["RasterScanLatentCodec"]


class RasterScanLatentCodec(LatentCodec):
    """Codes a latent under Gaussians that depend on the elements coded before (Minnen et al., NeurIPS 2018).

    .. code-block:: none

                      params
                        │
                        ▼
                     ┌──┴──┐   ctx   ┌────┐
                     │ EP  ├────◄────┤ CP ├───◄───┐
                     └──┬──┘         └────┘       │
                        │ scales, means           │
                        ▼                         │
                 ┌───┐  │           y_hat         │
           y ──►─┤ Q ├──►───····───►──────────────┴──► y_hat
                 └───┘       GC

    `forward` rounds y itself, or adds noise to it, and predicts all elements at once. Coding is sequential
    and rounds about the predicted mean, which `forward` can only approximate.

    Args:
        gaussian_conditional: the entropy model, of M channels.
        entropy_parameters: `nn.Sequential` of 1x1 convolutions with LeakyReLU or ReLU between them, from the
            parameters (2M channels) followed by the context (2M) to M scales followed by M means.
        context_prediction: type-A masked convolution from M channels to 2M.
        order: in what order strings hold the elements; `"raster"`, which other implementations read and
            write, or `"wavefront"`, which is faster.

    Example:
        >>> import torch
        >>> from latentpress.layers import MaskedConv2d
        >>> codec = RasterScanLatentCodec(
        ...     GaussianConditional([0.5, 1.0, 2.0]),
        ...     nn.Sequential(nn.Conv2d(16, 12, 1), nn.LeakyReLU(), nn.Conv2d(12, 8, 1)),
        ...     MaskedConv2d(4, 8, 5, padding=2),
        ... ).eval()
        >>> codec.gaussian_conditional.update()
        True
        >>> y, params = torch.randn(1, 4, 6, 6), torch.randn(1, 8, 6, 6)
        >>> coded = codec.compress(y, params)
        >>> decoded = codec.decompress(coded["strings"], coded["shape"], params)
        >>> torch.equal(decoded["y_hat"], coded["y_hat"])
        True
    """

    def __init__(
        self,
        gaussian_conditional: GaussianConditional,
        entropy_parameters: nn.Module,
        context_prediction: MaskedConv2d,
        order: StreamOrder = "raster",
    ) -> None:
        super().__init__()
        self.gaussian_conditional = gaussian_conditional
        self.entropy_parameters = entropy_parameters
        self.context_prediction = context_prediction
        self.order = order

    def forward(self, y: Tensor, params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, M, H, W); `params` (N, 2M, H, W) is the side information."""
        training = self.gaussian_conditional.training
        y_hat = self.gaussian_conditional.quantize(y, "noise" if training else "dequantize")
        context = self.context_prediction(y_hat)
        gaussians = self.entropy_parameters(torch.cat((params, context), dim=1))
        scales, means = gaussians.chunk(2, dim=1)
        _, likelihoods = self.gaussian_conditional(y, scales, means=means)
        return {"likelihoods": {"y": likelihoods}, "y_hat": y_hat}

    def compress(self, y: Tensor, params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, M, H, W); `"shape"` is (H, W)."""
        strings, y_hat = self._coder().compress(y, params, self.order)
        return {"strings": [strings], "shape": y.shape[-2:], "y_hat": y_hat}

    def decompress(
        self,
        strings: Sequence[Sequence[bytes]],
        shape: Sequence[int],
        params: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Decode what `compress` made, given the same `params`."""
        (y_strings,) = checked_strings(strings, 1)
        return {"y_hat": self._coder().decompress(y_strings, params, self.order)}

    def _coder(self) -> AutoregressiveCoder:
        return AutoregressiveCoder(
            self.context_prediction, self.entropy_parameters, self.gaussian_conditional
        )
