"""The networks of scale-space flow: analysis, synthesis, and the hyperprior of each of its three latents."""

from typing import Any

import torch
from torch import Tensor, nn

from latentpress.entropy_models import EntropyBottleneck, GaussianConditional
from latentpress.latent_codecs import GaussianConditionalLatentCodec, HyperLatentCodec, HyperpriorLatentCodec
from latentpress.layers import QReLU
from latentpress.models.base import CompressionModel
from latentpress.models.utils import conv, deconv
from latentpress.models.video.strided import StridedChain

__all__ = ["Hyperprior", "analysis_transform", "synthesis_transform"]

SCALE_BITS = 8  # range of the hyper-synthesis of scales, as in networks of integers
SCALE_STEEPNESS = 100


def analysis_transform(inputs: int, N: int, M: int) -> StridedChain:
    """Four strided convolutions with ReLU between them: (B, inputs, H, W) to (B, M, H/16, W/16)."""
    return StridedChain(conv(inputs, N), conv(N, N), conv(N, N), conv(N, M))


def synthesis_transform(inputs: int, N: int, outputs: int) -> StridedChain:
    """The mirror of `analysis_transform`: (B, inputs, H/16, W/16) to (B, outputs, H, W)."""
    return StridedChain(deconv(inputs, N), deconv(N, N), deconv(N, N), deconv(N, outputs))


class ScaleSynthesis(nn.Module):
    """Hyper-synthesis of scales: strided upsampling in which every result is clipped to 8 bits (`QReLU`)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.deconv1 = deconv(channels, channels)
        self.deconv2 = deconv(channels, channels)
        self.deconv3 = deconv(channels, channels)

    def forward(self, z_hat: Tensor) -> Tensor:
        """Scales (N, C, 8 H, 8 W), from 0 to 255, for `z_hat` (N, C, H, W)."""
        x = z_hat
        for layer in (self.deconv1, self.deconv2, self.deconv3):
            x = QReLU.apply(layer(x), SCALE_BITS, SCALE_STEEPNESS)
        return x


class Hyperprior(CompressionModel):
    """A latent's entropy model: side information that gives the scale and the mean of each element.

    .. code-block:: none

                 ┌───────────────┐  z  ┌───┐ z_hat        z_hat ┌─────────────────────┐
            ┌─►──┤ hyper_encoder ├──►──┤ Q ├───►───····───►──┬──┤ hyper_decoder_scale ├─► scales
            │    └───────────────┘     └───┘        EB        │  └─────────────────────┘
            │                                                 │  ┌─────────────────────┐
            │                                                 └──┤ hyper_decoder_mean  ├─► means
            │                          ┌───┐ y_hat               └─────────────────────┘
           y ──────────────────────►───┤ Q ├───►───····───►── y_hat
                                       └───┘        GC

    In training, y is rounded about its mean with the gradient of the identity; likelihoods are of y and z
    with uniform noise.

    Args:
        channels: of the latent y (N, C, H, W), and of z, whose sides are an eighth of those of y.
    """

    downsampling_factor = 8

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.entropy_bottleneck = EntropyBottleneck(channels)
        self.hyper_encoder = StridedChain(*(conv(channels, channels) for _ in range(3)))
        self.hyper_decoder_mean = StridedChain(*(deconv(channels, channels) for _ in range(3)))
        self.hyper_decoder_scale = ScaleSynthesis(channels)
        self.gaussian_conditional = GaussianConditional(None)

    def forward(self, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """`y_hat`, and the likelihoods `"y"` and `"z"`."""
        coded = self._codec()(y)
        return coded["y_hat"], coded["likelihoods"]

    def compress(self, y: Tensor) -> tuple[Tensor, dict[str, Any]]:
        """`y_hat` as the decoder will have it, and `"strings"` (of y, of z) with the `"shape"` of z."""
        coded = self._codec().compress(y)
        return coded["y_hat"], {"strings": coded["strings"], "shape": coded["shape"]["hyper"]}

    def decompress(self, strings: Any, shape: Any) -> Tensor:
        """`y_hat` from what `compress` made.

        Raises:
            BitstreamError: the strings are truncated or damaged.
        """
        y_hat: Tensor = self._codec().decompress(strings, {"y": None, "hyper": shape})["y_hat"]
        return y_hat

    def _codec(self) -> HyperpriorLatentCodec:
        """Put together for every pass, so that a part that was replaced is used from then on."""
        return HyperpriorLatentCodec(
            {
                "y": GaussianConditionalLatentCodec(
                    gaussian_conditional=self.gaussian_conditional, quantizer="ste"
                ),
                "hyper": HyperLatentCodec(self.entropy_bottleneck, self.hyper_encoder, self._synthesise),
            }
        )

    def _synthesise(self, z_hat: Tensor) -> Tensor:
        return torch.cat([self.hyper_decoder_scale(z_hat), self.hyper_decoder_mean(z_hat)], dim=1)
