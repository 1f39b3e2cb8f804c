"""Residual and attention blocks of Cheng et al., "Learned image compression with discretized Gaussian
mixture likelihoods and attention modules" (CVPR 2020)."""

import torch
from torch import Tensor, nn

from latentpress.layers.convolutions import conv1x1, conv3x3, subpel_conv3x3
from latentpress.layers.gdn import GDN

__all__ = [
    "AttentionBlock",
    "ResidualBlock",
    "ResidualBlockUpsample",
    "ResidualBlockWithStride",
    "ResidualBottleneckBlock",
]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with LeakyReLU around a skip connection: (N, in_ch, H, W) to (N, out_ch, H, W).

    The skip is a 1x1 convolution where the channel counts differ.
    """

    def __init__(self, in_ch: int, out_ch: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_ch, out_ch)
        self.leaky_relu = nn.LeakyReLU(inplace=True)
        self.conv2 = conv3x3(out_ch, out_ch)
        self.skip = conv1x1(in_ch, out_ch) if in_ch != out_ch else None

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.skip is None else self.skip(x)
        out = self.leaky_relu(self.conv1(x))
        out = self.leaky_relu(self.conv2(out))
        return out + identity


class ResidualBlockWithStride(nn.Module):
    """A residual block that downsamples: (N, in_ch, H, W) to (N, out_ch, H / stride, W / stride).

    The first convolution has the stride; GDN follows the second.
    """

    def __init__(self, in_ch: int, out_ch: int, stride: int = 2) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_ch, out_ch, stride=stride)
        self.leaky_relu = nn.LeakyReLU(inplace=True)
        self.conv2 = conv3x3(out_ch, out_ch)
        self.gdn = GDN(out_ch)
        self.skip = conv1x1(in_ch, out_ch, stride=stride) if stride != 1 or in_ch != out_ch else None

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.skip is None else self.skip(x)
        out = self.leaky_relu(self.conv1(x))
        return self.gdn(self.conv2(out)) + identity


class ResidualBlockUpsample(nn.Module):
    """A residual block that upsamples by sub-pixel convolution: (N, in_ch, H, W) to (N, out_ch, r H, r W).

    `upsample` is the factor r; inverse GDN follows the second convolution.
    """

    def __init__(self, in_ch: int, out_ch: int, upsample: int = 2) -> None:
        super().__init__()
        self.subpel_conv = subpel_conv3x3(in_ch, out_ch, upsample)
        self.leaky_relu = nn.LeakyReLU(inplace=True)
        self.conv = conv3x3(out_ch, out_ch)
        self.igdn = GDN(out_ch, inverse=True)
        self.upsample = subpel_conv3x3(in_ch, out_ch, upsample)

    def forward(self, x: Tensor) -> Tensor:
        out = self.leaky_relu(self.subpel_conv(x))
        return self.igdn(self.conv(out)) + self.upsample(x)


class ResidualBottleneckBlock(nn.Module):
    """Bottleneck 1x1, 3x3, 1x1 at half the channels around a skip connection, as ELIC (He et al., 2022) uses.

    (N, in_ch, H, W) to (N, out_ch, H, W); `out_ch` is `in_ch` by default. The skip is a 1x1 convolution where
    the channel counts differ.
    """

    def __init__(self, in_ch: int, out_ch: int | None = None) -> None:
        super().__init__()
        out_ch = in_ch if out_ch is None else out_ch
        middle = min(in_ch, out_ch) // 2
        self.conv1 = conv1x1(in_ch, middle)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(middle, middle)
        self.conv3 = conv1x1(middle, out_ch)
        self.skip = conv1x1(in_ch, out_ch) if in_ch != out_ch else None

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.skip is None else self.skip(x)
        out = self.relu(self.conv1(x))
        out = self.relu(self.conv2(out))
        return self.conv3(out) + identity


class _ResidualUnit(nn.Module):
    """The attention module's unit: a bottleneck around a skip connection, then ReLU."""

    def __init__(self, N: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            conv1x1(N, N // 2),
            nn.ReLU(inplace=True),
            conv3x3(N // 2, N // 2),
            nn.ReLU(inplace=True),
            conv1x1(N // 2, N),
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x) + x)


class AttentionBlock(nn.Module):
    """The simplified attention module, without non-local part: `x + trunk(x) * sigmoid(mask(x))`.

    Args:
        N: number of channels in and out; H and W are kept.
    """

    def __init__(self, N: int) -> None:
        super().__init__()
        self.conv_a = nn.Sequential(_ResidualUnit(N), _ResidualUnit(N), _ResidualUnit(N))
        self.conv_b = nn.Sequential(_ResidualUnit(N), _ResidualUnit(N), _ResidualUnit(N), conv1x1(N, N))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_a(x) * torch.sigmoid(self.conv_b(x))
