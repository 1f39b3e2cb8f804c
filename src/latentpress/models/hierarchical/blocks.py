"""Building blocks shared by all hierarchies: ConvNeXt blocks, plain and adaptive, and VD blocks.

Feature maps are (N, C, H, W); the rate embedding `emb` that adaptive blocks read is (N, 256).
Attribute names follow the published checkpoints, their spelling included.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.models.hierarchical.arithmetic import in_fixed_point
from latentpress.models.hierarchical.compiled import PackedBlock, packed, usable_for
from latentpress.models.hierarchical.convolutions import Convolution, PatchDownsample, linear, odd

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
        self, width: int, kernel_size: int, mlp_ratio: float, downsample: tuple[int, int] | None
    ) -> None:
        super().__init__()
        self.width = width
        self.hidden = int(width * mlp_ratio)
        self.kernel_size = kernel_size
        self.conv_dw = nn.Conv2d(width, width, odd(kernel_size), padding=kernel_size // 2, groups=width)
        self.mlp = Mlp(width, self.hidden)
        self.downsapmle = None if downsample is None else PatchDownsample(width, *downsample)

    def _modulation(self, emb: Tensor | None) -> tuple[Tensor, Tensor]:
        """What LayerNorm ends with: shift and scale, each (N or 1, width)."""
        raise NotImplementedError

    def _normalise(self, x: Tensor, emb: Tensor | None) -> Tensor:
        """LayerNorm of `x` (N, H, W, width)."""
        raise NotImplementedError

    def forward(self, x: Tensor, emb: Tensor | None = None) -> Tensor:
        y = self._transform_compiled(x, emb) if usable_for(x) else self._transform(x, emb)
        return y if self.downsapmle is None else self.downsapmle(y)

    def _transform(self, x: Tensor, emb: Tensor | None) -> Tensor:
        y = self._normalise(self.conv_dw(x).permute(0, 2, 3, 1), emb)
        y = self.mlp(y).permute(0, 3, 1, 2)
        return x + self.gamma.view(1, -1, 1, 1) * y

    def _transform_compiled(self, x: Tensor, emb: Tensor | None) -> Tensor:
        weights = packed(self, lambda: PackedBlock(self.conv_dw, self.mlp.fc1, self.mlp.fc2, self.gamma))
        return weights.run(x, *self._modulation(emb))


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

    def _modulation(self, emb: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.norm.bias.detach()[None], self.norm.weight.detach()[None]

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

    def _modulation(self, emb: Tensor | None) -> tuple[Tensor, Tensor]:
        if emb is None:
            raise ConfigurationError("An adaptive block needs the rate embedding, found none; pass it on.")
        if not usable_for(emb):
            return self._computed_modulation(emb)
        last: dict[tuple[bytes, bool], tuple[Tensor, Tensor]] = packed(self.embedding_layer, dict)
        key = (emb.numpy().tobytes(), in_fixed_point())
        known = last.get(key)
        if known is None:
            known = self._computed_modulation(emb)
            last.clear()  # one rate at a time is what coders have
            last[key] = known
        return known

    def _computed_modulation(self, emb: Tensor) -> tuple[Tensor, Tensor]:
        layer = self.embedding_layer[1]
        assert isinstance(layer, nn.Linear)
        shift, scale = linear(layer, emb, gelu_before=True).chunk(2, dim=1)
        return shift.contiguous(), 1.0 + scale

    def _normalise(self, x: Tensor, emb: Tensor | None) -> Tensor:
        shift, scale = self._modulation(emb)
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
        self.c1 = Convolution(in_channels, hidden)
        self.c2 = Convolution(hidden, hidden, kernel_size)
        self.c3 = Convolution(hidden, hidden, kernel_size)
        self.c4 = Convolution(hidden, out_channels)
        if zero_last:
            nn.init.zeros_(self.c4.weight)

    def forward(self, x: Tensor, more: Tensor | None = None) -> Tensor:
        """Apply the block to `x` (N, C, H, W), or to `x` and `more` side by side."""
        y = self.c1(x, more, gelu_before=True, gelu_after=True)
        return self.c4(self.c3(self.c2(y, gelu_after=True), gelu_after=True))


class LatentProjection(nn.Sequential):
    """Convolution, GELU, 1x1 convolution: what a latent adds to the feature."""

    def __init__(self, zdim: int, hidden: int, width: int, kernel_size: int) -> None:
        super().__init__(Convolution(zdim, hidden, kernel_size), nn.GELU(), Convolution(hidden, width))

    def forward(self, z: Tensor, residual: Tensor) -> Tensor:  # type: ignore[override]
        """The feature `residual` (N, width, H, W) with the latent `z` (N, zdim, H, W) added."""
        return self[2](self[0](z, gelu_after=True), residual=residual)


def run_block(block: nn.Module, x: Tensor, emb: Tensor | None) -> Tensor:
    """Apply any block, handing the rate embedding to those that take one."""
    return block(x, emb) if isinstance(block, ResidualBlock) else block(x)
