"""Convolutions of the hierarchies, each with its way through the compiled kernels beside its plain one.

Parameters have the names and shapes of `torch.nn`'s modules, for checkpoints.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.models.hierarchical.compiled import PackedConvolution, packed, usable_for


class Convolution(nn.Conv2d):
    """Square convolution that keeps the grid, with GELUs, a second input and a residual around it."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 1) -> None:
        super().__init__(in_channels, out_channels, odd(kernel_size), padding=kernel_size // 2)

    def forward(
        self,
        x: Tensor,
        more: Tensor | None = None,
        residual: Tensor | None = None,
        gelu_before: bool = False,
        gelu_after: bool = False,
    ) -> Tensor:
        """Convolve `x` (N, C, H, W), or `x` and `more` side by side, and add `residual`."""
        if usable_for(x):
            weights = packed(self, lambda: PackedConvolution(self.weight, self.bias))
            return weights.run(x, more, residual, gelu_before, gelu_after)
        if more is not None:
            x = torch.cat([x, more], dim=1)
        y = super().forward(F.gelu(x) if gelu_before else x)
        if gelu_after:
            y = F.gelu(y)
        return y if residual is None else residual + y


class PatchDownsample(nn.Conv2d):
    """Non-overlapping `rate` x `rate` patches to vectors."""

    def __init__(self, in_channels: int, out_channels: int, rate: int) -> None:
        super().__init__(in_channels, out_channels, rate, stride=rate)
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not usable_for(x):
            return super().forward(x)
        return packed(self, self._pack).run(x)

    def _pack(self) -> PackedConvolution:
        as_pointwise = self.weight.permute(0, 2, 3, 1).reshape(self.out_channels, -1, 1, 1)
        return PackedConvolution(as_pointwise, self.bias, patch_in=self.rate)


class PatchUpsample(nn.Sequential):
    """Vectors to `rate` x `rate` patches: 1x1 convolution and pixel shuffle."""

    def __init__(self, in_channels: int, out_channels: int, rate: int) -> None:
        super().__init__(nn.Conv2d(in_channels, out_channels * rate**2, 1), nn.PixelShuffle(rate))
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not usable_for(x):
            return super().forward(x)
        return packed(self, self._pack).run(x)

    def _pack(self) -> PackedConvolution:
        conv = self[0]
        assert isinstance(conv, nn.Conv2d)
        return PackedConvolution(
            patches_first(conv.weight, self.rate),
            patches_first(conv.bias, self.rate),  # type: ignore[arg-type]
            patch_out=self.rate,
        )


class TransposedUpsample(nn.ConvTranspose2d):
    """Transposed convolution of stride 2 with an odd kernel; doubles the grid."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__(
            in_channels,
            out_channels,
            odd(kernel_size),
            stride=2,
            padding=kernel_size // 2,
            output_padding=1,
        )

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        if not usable_for(x):
            return super().forward(x)
        return packed(self, self._pack).run(x)

    def _pack(self) -> PackedConvolution:
        bias = None if self.bias is None else self.bias.repeat(4)
        return PackedConvolution(self._as_convolution(), bias, patch_out=2)

    def _as_convolution(self) -> Tensor:
        """The four outputs at each input position, (4 * outputs, inputs, side, side), as a plain convolution.

        Output position 2 i + a takes input i + d through tap k of the kernel where 2 d = a + padding - k.
        """
        side, padding = self.kernel_size[0], self.kernel_size[0] // 2
        reach = (padding + 1) // 2
        width = 2 * reach + 1
        weight = self.weight.new_zeros(2, 2, self.out_channels, self.in_channels, width, width)
        reached = [(a, k, a + padding - k) for a in (0, 1) for k in range(side)]
        taps = [(a, k, reach + twice // 2) for a, k, twice in reached if twice % 2 == 0]
        for a, k, row in taps:
            for b, m, column in taps:
                weight[a, b, :, :, row, column] = self.weight[:, :, k, m].t()
        return weight.reshape(4 * self.out_channels, self.in_channels, width, width)


def linear(layer: nn.Linear, x: Tensor, gelu_before: bool = False, gelu_after: bool = False) -> Tensor:
    """Linear layer on rows `x` (N, inputs), with a GELU on either side where wanted."""
    if usable_for(x):
        weights = packed(layer, lambda: PackedConvolution(layer.weight[:, :, None, None], layer.bias))
        y = weights.run(x[:, :, None, None], gelu_before=gelu_before, gelu_after=gelu_after)
        return y.flatten(1)
    y = layer(F.gelu(x) if gelu_before else x)
    return F.gelu(y) if gelu_after else y


def patches_first(x: Tensor, rate: int) -> Tensor:
    """Reorder outputs (C, rate, rate), as pixel shuffle has them, to (rate, rate, C)."""
    return x.reshape(-1, rate * rate, *x.shape[1:]).transpose(0, 1).reshape(x.shape)


def odd(kernel_size: int) -> int:
    """`kernel_size`, if it is odd: a kernel of an even side would move or shrink the grid.

    Raises:
        ConfigurationError: it is even, or not positive.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ConfigurationError(f"The side of a kernel must be odd and positive, found {kernel_size}.")
    return kernel_size
