"""Building blocks shared by all hierarchies: ConvNeXt (plain and adaptive), VD blocks, patch re-sampling.

Feature maps are (N, C, H, W); the rate embedding `emb` that adaptive blocks read is (N, 256) or (1, 256).
Attribute names follow the published checkpoints, their spelling included.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_NORM_EPS = 1e-6
_LAYER_SCALE_INIT = 1e-6
EMBEDDING_WIDTH = 256


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between, over the last dimension."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class ResidualBlock(nn.Module):
    """Depthwise convolution, LayerNorm, MLP, layer scale, residual; a patch downsample may follow."""

    gamma: nn.Parameter

    def __init__(
        self, width: int, kernel_size: int, mlp_ratio: float, downsample: "tuple[int, int] | None"
    ) -> None:
        super().__init__()
        self.width = width
        self.kernel_size = kernel_size
        self.conv_dw = nn.Conv2d(width, width, kernel_size, padding=kernel_size // 2, groups=width)
        self.mlp = Mlp(width, int(width * mlp_ratio))
        self.downsapmle = None if downsample is None else patch_downsample(width, *downsample)

    def _normalise(self, x: Tensor, emb: Tensor | None) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor, emb: Tensor | None = None) -> Tensor:
        y = self._normalise(self.conv_dw(x).permute(0, 2, 3, 1), emb)
        y = self.mlp(y).permute(0, 3, 1, 2)
        y = x + self.gamma.view(1, -1, 1, 1) * y
        return y if self.downsapmle is None else self.downsapmle(y)


class ConvNeXtBlock(ResidualBlock):
    """ConvNeXt block (arXiv 2201.03545) with LayerNorm of learned scale and shift.

    Args:
        width: channels in and out.
        kernel_size: side of the depthwise kernel, odd.
        mlp_ratio: hidden width over width.
        downsample: `(channels, rate)` of a patch downsample at the end, or None.
    """

    def __init__(
        self,
        width: int,
        kernel_size: int = 7,
        mlp_ratio: float = 2.0,
        downsample: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(width, kernel_size, mlp_ratio, downsample)
        self.gamma = nn.Parameter(torch.full((width,), _LAYER_SCALE_INIT))
        self.norm = nn.LayerNorm(width, eps=_NORM_EPS)

    def _normalise(self, x: Tensor, emb: Tensor | None) -> Tensor:
        return self.norm(x)


class AdaptiveConvNeXtBlock(ResidualBlock):
    """ConvNeXt block whose LayerNorm takes its shift and scale from the rate embedding (arXiv 2302.08899).

    Args: as `ConvNeXtBlock`.
    """

    def __init__(
        self,
        width: int,
        kernel_size: int = 7,
        mlp_ratio: float = 2.0,
        downsample: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(width, kernel_size, mlp_ratio, downsample)
        self.gamma = nn.Parameter(torch.full((1, width, 1, 1), _LAYER_SCALE_INIT))
        self.embedding_layer = nn.Sequential(nn.GELU(), nn.Linear(EMBEDDING_WIDTH, 2 * width))

    def modulation(self, emb: Tensor) -> tuple[Tensor, Tensor]:
        """Shift and scale for the embedding `emb` (N, 256), each (N, width)."""
        shift, scale = self.embedding_layer(emb).chunk(2, dim=1)
        return shift, 1.0 + scale

    def _normalise(self, x: Tensor, emb: Tensor | None) -> Tensor:
        assert emb is not None, "an adaptive block needs the rate embedding"
        shift, scale = self.modulation(emb)
        x = F.layer_norm(x, (self.width,), eps=_NORM_EPS)
        return x * scale[:, None, None, :] + shift[:, None, None, :]


class VDBlock(nn.Module):
    """Four GELU-convolutions with a bottleneck: 1x1, k x k, k x k, 1x1 (arXiv 2011.10650).

    Args:
        in_channels, hidden, out_channels: widths.
        kernel_size: 3, or 1 where the grid is too coarse for neighbours to help.
        zero_last: start the last convolution at zero, as priors do.
    """

    def __init__(
        self, in_channels: int, hidden: int, out_channels: int, kernel_size: int, zero_last: bool = False
    ) -> None:
        super().__init__()
        pad = kernel_size // 2
        self.c1 = nn.Conv2d(in_channels, hidden, 1)
        self.c2 = nn.Conv2d(hidden, hidden, kernel_size, padding=pad)
        self.c3 = nn.Conv2d(hidden, hidden, kernel_size, padding=pad)
        self.c4 = nn.Conv2d(hidden, out_channels, 1)
        if zero_last:
            nn.init.zeros_(self.c4.weight)

    def forward(self, x: Tensor) -> Tensor:
        for conv in (self.c1, self.c2, self.c3, self.c4):
            x = conv(F.gelu(x))
        return x


def patch_downsample(in_channels: int, out_channels: int, rate: int) -> nn.Conv2d:
    """Non-overlapping `rate` x `rate` patches to vectors."""
    return nn.Conv2d(in_channels, out_channels, rate, stride=rate)


def patch_upsample(in_channels: int, out_channels: int, rate: int) -> nn.Sequential:
    """Vectors to `rate` x `rate` patches: 1x1 convolution and pixel shuffle."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels * rate**2, 1), nn.PixelShuffle(rate))


def run_block(block: nn.Module, x: Tensor, emb: Tensor | None) -> Tensor:
    """Apply any block, handing the rate embedding to those that take one."""
    return block(x, emb) if isinstance(block, ResidualBlock) else block(x)
