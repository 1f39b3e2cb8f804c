"""Convolutions that see only part of their window, for autoregressive context models."""

from typing import Any

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError

__all__ = ["CheckerboardMaskedConv2d", "MaskedConv2d"]


class _WindowMaskedConv2d(nn.Conv2d):
    """A convolution whose weights are multiplied by a fixed 0/1 window `mask` of the weight's shape."""

    mask: Tensor

    def __init__(self, *args: Any, mask_type: str = "A", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if mask_type not in ("A", "B"):
            raise ConfigurationError(f"mask_type must be 'A' or 'B', not {mask_type!r}.")
        window = self._window(*self.kernel_size, include_center=mask_type == "B")
        self.register_buffer("mask", window.to(self.weight.dtype).expand_as(self.weight).clone())

    @staticmethod
    def _window(height: int, width: int, *, include_center: bool) -> Tensor:
        """The boolean (height, width) window of positions the output may depend on."""
        raise NotImplementedError

    @property
    def masked_weight(self) -> Tensor:
        """The weights that act, (out, in, height, width): zero wherever the window is closed."""
        return self.weight * self.mask

    def forward(self, x: Tensor) -> Tensor:
        """Convolve `x` (N, C, H, W) with the masked weights."""
        return self._conv_forward(x, self.masked_weight, self.bias)


class MaskedConv2d(_WindowMaskedConv2d):
    """A convolution that sees only what precedes its centre in raster order.

    From van den Oord et al., "Conditional image generation with PixelCNN decoders" (2016).

    Args:
        mask_type: `"A"` hides the centre too (the first layer of a context model), `"B"` shows it.
        *args, **kwargs: those of `torch.nn.Conv2d`.

    Raises:
        ConfigurationError: `mask_type` is neither `"A"` nor `"B"`.

    Example:
        >>> layer = MaskedConv2d(1, 1, 3, padding=1, mask_type="A")
        >>> layer.mask[0, 0].tolist()
        [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    @staticmethod
    def _window(height: int, width: int, *, include_center: bool) -> Tensor:
        position = torch.arange(height * width).view(height, width)
        center = (height // 2) * width + width // 2
        return position <= center if include_center else position < center


class CheckerboardMaskedConv2d(_WindowMaskedConv2d):
    """A convolution that sees only positions of the other colour of a checkerboard.

    From He et al., "Checkerboard context model for efficient learned image compression" (CVPR 2021): all
    positions of one colour are coded first (anchors), then all of the other in parallel.

    Args:
        mask_type: `"A"` hides the centre, `"B"` shows it.
        *args, **kwargs: those of `torch.nn.Conv2d`.

    Raises:
        ConfigurationError: `mask_type` is neither `"A"` nor `"B"`.

    Example:
        >>> layer = CheckerboardMaskedConv2d(1, 1, 3, padding=1, mask_type="A")
        >>> layer.mask[0, 0].tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """

    @staticmethod
    def _window(height: int, width: int, *, include_center: bool) -> Tensor:
        row = torch.arange(height)[:, None] - height // 2
        column = torch.arange(width)[None, :] - width // 2
        window = (row + column) % 2 == 1
        window[height // 2, width // 2] = include_center
        return window
