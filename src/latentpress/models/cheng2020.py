"""The models of Cheng et al., "Learned image compression with discretized Gaussian mixture likelihoods and
attention modules" (CVPR 2020), with one Gaussian in place of the mixture."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from latentpress.layers import (
    AttentionBlock,
    ResidualBlock,
    ResidualBlockUpsample,
    ResidualBlockWithStride,
    conv3x3,
    subpel_conv3x3,
)
from latentpress.models.autoregressive import JointAutoregressiveHierarchicalPriors
from latentpress.registry import register_model

__all__ = [
    "Cheng2020Anchor",
    "Cheng2020Attention",
    "analysis_transform",
    "hyper_analysis_transform",
    "hyper_synthesis_transform",
    "synthesis_transform",
]


def analysis_transform(N: int) -> nn.Sequential:
    """Residual blocks, every other with stride 2: (B, 3, H, W) to (B, N, H/16, W/16)."""
    return nn.Sequential(
        ResidualBlockWithStride(3, N, stride=2),
        ResidualBlock(N, N),
        ResidualBlockWithStride(N, N, stride=2),
        ResidualBlock(N, N),
        ResidualBlockWithStride(N, N, stride=2),
        ResidualBlock(N, N),
        conv3x3(N, N, stride=2),
    )


def synthesis_transform(N: int) -> nn.Sequential:
    """Residual blocks, every other upsampling by pixel shuffle: (B, N, H/16, W/16) to (B, 3, H, W)."""
    return nn.Sequential(
        ResidualBlock(N, N),
        ResidualBlockUpsample(N, N, 2),
        ResidualBlock(N, N),
        ResidualBlockUpsample(N, N, 2),
        ResidualBlock(N, N),
        ResidualBlockUpsample(N, N, 2),
        ResidualBlock(N, N),
        subpel_conv3x3(N, 3, 2),
    )


def hyper_analysis_transform(N: int) -> nn.Sequential:
    """Five 3x3 convolutions: (B, N, H, W) to (B, N, H/4, W/4)."""
    return nn.Sequential(
        conv3x3(N, N),
        nn.LeakyReLU(inplace=True),
        conv3x3(N, N),
        nn.LeakyReLU(inplace=True),
        conv3x3(N, N, stride=2),
        nn.LeakyReLU(inplace=True),
        conv3x3(N, N),
        nn.LeakyReLU(inplace=True),
        conv3x3(N, N, stride=2),
    )


def hyper_synthesis_transform(N: int) -> nn.Sequential:
    """3x3 convolutions, two of them sub-pixel: (B, N, H/4, W/4) to (B, 2N, H, W)."""
    return nn.Sequential(
        conv3x3(N, N),
        nn.LeakyReLU(inplace=True),
        subpel_conv3x3(N, N, 2),
        nn.LeakyReLU(inplace=True),
        conv3x3(N, N * 3 // 2),
        nn.LeakyReLU(inplace=True),
        subpel_conv3x3(N * 3 // 2, N * 3 // 2, 2),
        nn.LeakyReLU(inplace=True),
        conv3x3(N * 3 // 2, N * 2),
    )


@register_model("cheng2020-anchor")
class Cheng2020Anchor(JointAutoregressiveHierarchicalPriors):
    """The anchor model: residual blocks with small kernels and sub-pixel convolutions, no attention.

    Coding is that of `JointAutoregressiveHierarchicalPriors`.

    Args:
        N: channels of all layers and of both latents.
    """

    def __init__(self, N: int = 192, **kwargs: Any) -> None:
        super().__init__(N=N, M=N, **kwargs)
        self.g_a = analysis_transform(N)
        self.g_s = synthesis_transform(N)
        self.h_a = hyper_analysis_transform(N)
        self.h_s = hyper_synthesis_transform(N)

    @classmethod
    def _sizes(cls, state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        return {"N": state_dict["g_a.0.conv1.weight"].size(0)}


@register_model("cheng2020-attn")
class Cheng2020Attention(Cheng2020Anchor):
    """`Cheng2020Anchor` with simplified attention at strides 4 and 16 of both transforms."""

    def __init__(self, N: int = 192, **kwargs: Any) -> None:
        super().__init__(N=N, **kwargs)
        self.g_a = nn.Sequential(
            ResidualBlockWithStride(3, N, stride=2),
            ResidualBlock(N, N),
            ResidualBlockWithStride(N, N, stride=2),
            AttentionBlock(N),
            ResidualBlock(N, N),
            ResidualBlockWithStride(N, N, stride=2),
            ResidualBlock(N, N),
            conv3x3(N, N, stride=2),
            AttentionBlock(N),
        )
        self.g_s = nn.Sequential(
            AttentionBlock(N),
            ResidualBlock(N, N),
            ResidualBlockUpsample(N, N, 2),
            ResidualBlock(N, N),
            ResidualBlockUpsample(N, N, 2),
            AttentionBlock(N),
            ResidualBlock(N, N),
            ResidualBlockUpsample(N, N, 2),
            ResidualBlock(N, N),
            subpel_conv3x3(N, 3, 2),
        )
