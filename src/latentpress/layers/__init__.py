"""Blocks of networks: normalisation, masked and sub-pixel convolutions, residual and attention blocks."""

from latentpress.layers.blocks import (
    AttentionBlock,
    ResidualBlock,
    ResidualBlockUpsample,
    ResidualBlockWithStride,
    ResidualBottleneckBlock,
)
from latentpress.layers.convolutions import conv1x1, conv3x3, subpel_conv3x3
from latentpress.layers.gdn import GDN, GDN1
from latentpress.layers.masked import CheckerboardMaskedConv2d, MaskedConv2d
from latentpress.layers.qrelu import QReLU

__all__ = [
    "GDN",
    "GDN1",
    "AttentionBlock",
    "CheckerboardMaskedConv2d",
    "MaskedConv2d",
    "QReLU",
    "ResidualBlock",
    "ResidualBlockUpsample",
    "ResidualBlockWithStride",
    "ResidualBottleneckBlock",
    "conv1x1",
    "conv3x3",
    "subpel_conv3x3",
]
