"""The convolutions that architectures are spelled with: 1x1, 3x3, and 3x3 with sub-pixel upsampling."""

from torch import nn

__all__ = ["conv1x1", "conv3x3", "subpel_conv3x3"]


def conv3x3(in_ch: int, out_ch: int, stride: int = 1) -> nn.Conv2d:
    """3x3 convolution with padding 1: (N, in_ch, H, W) to (N, out_ch, H / stride, W / stride)."""
    return nn.Conv2d(in_ch, out_ch, kernel_size=3, stride=stride, padding=1)


def conv1x1(in_ch: int, out_ch: int, stride: int = 1) -> nn.Conv2d:
    """1x1 convolution: (N, in_ch, H, W) to (N, out_ch, H / stride, W / stride)."""
    return nn.Conv2d(in_ch, out_ch, kernel_size=1, stride=stride)


def subpel_conv3x3(in_ch: int, out_ch: int, r: int = 1) -> nn.Sequential:
    """3x3 convolution that upsamples `r` times by pixel shuffle (Shi et al., CVPR 2016).

    (N, in_ch, H, W) to (N, out_ch, r H, r W).
    """
    return nn.Sequential(nn.Conv2d(in_ch, out_ch * r**2, kernel_size=3, padding=1), nn.PixelShuffle(r))
