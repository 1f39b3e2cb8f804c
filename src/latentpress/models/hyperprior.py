"""Hyperprior models of Ballé et al., "Variational image compression with a scale hyperprior" (ICLR 2018), and
Minnen et al., "Joint autoregressive and hierarchical priors for learned image compression" (NeurIPS 2018)."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from latentpress.entropy_models import EntropyBottleneck, GaussianConditional
from latentpress.latent_codecs import (
    GaussianConditionalLatentCodec,
    HyperLatentCodec,
    HyperpriorLatentCodec,
    LatentCodec,
)
from latentpress.models.base import SimpleVAECompressionModel
from latentpress.models.factorized import analysis_transform, synthesis_transform
from latentpress.models.utils import conv, deconv
from latentpress.registry import register_model

__all__ = ["HyperpriorModel", "MeanScaleHyperprior", "ScaleHyperprior"]


class HyperpriorModel(SimpleVAECompressionModel):
    """What models with side information share: strings of y, then of z, and the extent of z as `"shape"`."""

    downsampling_factor = 64

    def compress_latent(self, y: Tensor, **options: Any) -> dict[str, Any]:
        """Code what `analyse` gave; arguments and result are otherwise those of `compress`."""
        coded = super().compress_latent(y, **options)
        return {"strings": coded["strings"], "shape": coded["shape"]["hyper"]}

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Sequence[int], **options: Any
    ) -> dict[str, Any]:
        """Decode what `compress` made with the same options.

        Returns:
            `"x_hat"` (N, 3, H, W), clamped to [0, 1].

        Raises:
            BitstreamError: the strings are truncated or damaged.
        """
        return super().decompress(strings, {"y": self._y_shape(shape), "hyper": shape}, **options)

    def _y_shape(self, z_shape: Sequence[int]) -> Any:
        """What the codec of y needs to know of its shape: nothing, where the side information tells."""
        return None


@register_model("bmshj2018-hyperprior")
class ScaleHyperprior(HyperpriorModel):
    """Scale hyperprior: side information gives the scale of a zero-mean Gaussian for each latent element.

    .. code-block:: none

                 ┌─────┐    y   ┌───┐  z  ┌─────┐ z_hat       z_hat ┌─────┐
           x ──►─┤ g_a ├──►─┬──►┤h_a├──►──┤  Q  ├───►───····───►────┤ h_s ├─┐
                 └─────┘    │   └───┘     └─────┘        EB         └─────┘ │
                            │                                               │ scales
                            │   ┌───┐  y_hat                                ▼
                            └──►┤ Q ├───►─────────────····────────►─────────┴──► y_hat
                                └───┘                  GC

    `h_a` sees the magnitude of y. Strings are in the order y, z; `"shape"` is the height and width of z.

    Args:
        N: channels inside the transforms, and of z.
        M: channels of the latent y.

    Example:
        >>> import torch
        >>> net = ScaleHyperprior(N=8, M=12).eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 64, 128))
        >>> coded["shape"]
        torch.Size([1, 2])
        >>> net.decompress(**coded)["x_hat"].shape
        torch.Size([1, 3, 64, 128])
    """

    def __init__(self, N: int, M: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entropy_bottleneck = EntropyBottleneck(N)
        self.g_a = analysis_transform(N, M)
        self.g_s = synthesis_transform(N, M)
        self.h_a = nn.Sequential(
            conv(M, N, kernel_size=3, stride=1),
            nn.ReLU(inplace=True),
            conv(N, N),
            nn.ReLU(inplace=True),
            conv(N, N),
        )
        self.h_s = nn.Sequential(
            deconv(N, N),
            nn.ReLU(inplace=True),
            deconv(N, N),
            nn.ReLU(inplace=True),
            conv(N, M, kernel_size=3, stride=1),
            nn.ReLU(inplace=True),
        )
        self.gaussian_conditional = GaussianConditional(None)
        self.N = N
        self.M = M

    def make_latent_codec(self, **options: Any) -> LatentCodec:
        """The codec of the latent, put together from the model's present attributes."""
        return HyperpriorLatentCodec({"y": self._y_codec(**options), "hyper": self._hyper_codec()})

    def _y_codec(self) -> LatentCodec:
        return GaussianConditionalLatentCodec(
            gaussian_conditional=self.gaussian_conditional, chunks=("scales",)
        )

    def _hyper_codec(self) -> HyperLatentCodec:
        return HyperLatentCodec(self.entropy_bottleneck, lambda y: self.h_a(y.abs()), self.h_s)

    @classmethod
    def _sizes(cls, state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        return {"N": state_dict["g_a.0.weight"].size(0), "M": state_dict["g_a.6.weight"].size(0)}


@register_model("mbt2018-mean")
class MeanScaleHyperprior(ScaleHyperprior):
    """Mean-scale hyperprior: side information gives the scale and the mean of each latent element.

    `h_a` sees y itself; the first half of the channels of `h_s` are the scales, the second half the means.
    Arguments are those of `ScaleHyperprior`.
    """

    def __init__(self, N: int, M: int, **kwargs: Any) -> None:
        super().__init__(N, M, **kwargs)
        self.h_a = nn.Sequential(
            conv(M, N, kernel_size=3, stride=1),
            nn.LeakyReLU(inplace=True),
            conv(N, N),
            nn.LeakyReLU(inplace=True),
            conv(N, N),
        )
        self.h_s = nn.Sequential(
            deconv(N, M),
            nn.LeakyReLU(inplace=True),
            deconv(M, M * 3 // 2),
            nn.LeakyReLU(inplace=True),
            conv(M * 3 // 2, M * 2, kernel_size=3, stride=1),
        )

    def _y_codec(self) -> LatentCodec:
        return GaussianConditionalLatentCodec(gaussian_conditional=self.gaussian_conditional)

    def _hyper_codec(self) -> HyperLatentCodec:
        return HyperLatentCodec(self.entropy_bottleneck, self.h_a, self.h_s)
