"""Checkerboard coding of He et al., "Checkerboard context model for efficient learned image compression"
(CVPR 2021), on the networks of Cheng et al. (CVPR 2020)."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from latentpress.entropy_models import EntropyBottleneck
from latentpress.latent_codecs import (
    CheckerboardLatentCodec,
    GaussianConditionalLatentCodec,
    HyperLatentCodec,
    HyperpriorLatentCodec,
)
from latentpress.layers import CheckerboardMaskedConv2d
from latentpress.models.autoregressive import parameter_network
from latentpress.models.cheng2020 import (
    analysis_transform,
    hyper_analysis_transform,
    hyper_synthesis_transform,
    synthesis_transform,
)
from latentpress.models.hyperprior import HyperpriorModel
from latentpress.registry import register_model

__all__ = ["Cheng2020AnchorCheckerboard"]


@register_model("cheng2020-anchor-checkerboard")
class Cheng2020AnchorCheckerboard(HyperpriorModel):
    """`Cheng2020Anchor` that codes in two parallel passes, the two colours of a checkerboard.

    Strings are those of the anchors, of the other positions, and of z; `"shape"` is the height and width of
    z. Latents are rounded straight through in training, and scored with noise (Minnen and Singh, ICIP 2020).

    Args:
        N: channels of all layers and of both latents.

    Example:
        >>> import torch
        >>> net = Cheng2020AnchorCheckerboard(N=8).eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 64, 128))
        >>> net.decompress(**coded)["x_hat"].shape
        torch.Size([1, 3, 64, 128])
    """

    def __init__(self, N: int = 192, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.g_a = analysis_transform(N)
        self.g_s = synthesis_transform(N)
        self.latent_codec = HyperpriorLatentCodec(
            {
                "y": CheckerboardLatentCodec(
                    {"y": GaussianConditionalLatentCodec(quantizer="ste")},
                    entropy_parameters=parameter_network(N),
                    context_prediction=CheckerboardMaskedConv2d(N, 2 * N, kernel_size=5, padding=2),
                ),
                "hyper": HyperLatentCodec(
                    EntropyBottleneck(N),
                    h_a=hyper_analysis_transform(N),
                    h_s=hyper_synthesis_transform(N),
                    quantizer="ste",
                ),
            }
        )
        self.N = N

    def _y_shape(self, z_shape: Sequence[int]) -> Any:
        height, width = z_shape
        return self.N, 4 * height, 4 * width

    @classmethod
    def _sizes(cls, state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        return {"N": state_dict["g_a.0.conv1.weight"].size(0)}
