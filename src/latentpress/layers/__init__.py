"""Building blocks of networks: normalisation, convolutions with masks or sub-pixels, residual and attention."""

from .blocks import (
    AttentionBlock,
    ResidualBlock,
    ResidualBlockUpsample,
    ResidualBlockWithStride,
    ResidualBottleneckBlock,
)
from .convolutions import conv1x1, conv3x3, subpel_conv3x3
from .gdn import GDN, GDN1
from .masked import CheckerboardMaskedConv2d, MaskedConv2d
from .qrelu import QReLU

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
