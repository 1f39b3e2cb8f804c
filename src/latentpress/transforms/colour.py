"""The functions of `latentpress.transforms.functional` as transforms to compose."""

from __future__ import annotations

from torch import Tensor

from latentpress.registry import register_transform
from latentpress.transforms import functional
from latentpress.transforms.functional import Planes


@register_transform("RGB2YCbCr")
class RGB2YCbCr:
    """RGB in [0, 1], `(N, 3, H, W)` or `(3, H, W)`, as full-range YCbCr (BT.709)."""

    def __call__(self, rgb: Tensor) -> Tensor:
        return functional.rgb2ycbcr(rgb)

    def __repr__(self) -> str:
        return "RGB2YCbCr()"


@register_transform("YCbCr2RGB")
class YCbCr2RGB:
    """Full-range YCbCr (BT.709) in [0, 1], `(N, 3, H, W)` or `(3, H, W)`, as RGB."""

    def __call__(self, ycbcr: Tensor) -> Tensor:
        return functional.ycbcr2rgb(ycbcr)

    def __repr__(self) -> str:
        return "YCbCr2RGB()"


@register_transform("YUV444To420")
class YUV444To420:
    """Chroma at half the width and height.

    Args:
        mode: "avg_pool".

    Example:
        >>> import torch
        >>> from latentpress.transforms import YUV444To420
        >>> y, u, v = YUV444To420()(torch.rand(1, 3, 32, 32))
        >>> tuple(y.shape), tuple(u.shape)
        ((1, 1, 32, 32), (1, 1, 16, 16))
    """

    def __init__(self, mode: str = "avg_pool") -> None:
        self.mode = mode

    def __call__(self, yuv: Tensor | Planes) -> Planes:
        return functional.yuv_444_to_420(yuv, self.mode)

    def __repr__(self) -> str:
        return f"YUV444To420(mode={self.mode!r})"


@register_transform("YUV420To444")
class YUV420To444:
    """Chroma brought up to the size of luma.

    Args:
        mode: "bilinear" or "nearest".
        return_tuple: give three planes `(N, 1, H, W)` instead of one tensor `(N, 3, H, W)`.

    Example:
        >>> import torch
        >>> from latentpress.transforms import YUV420To444
        >>> y, u, v = torch.rand(1, 1, 32, 32), torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)
        >>> tuple(YUV420To444()((y, u, v)).shape)
        (1, 3, 32, 32)
    """

    def __init__(self, mode: str = "bilinear", return_tuple: bool = False) -> None:
        self.mode, self.return_tuple = mode, return_tuple

    def __call__(self, yuv: Planes) -> Tensor | Planes:
        return functional.yuv_420_to_444(yuv, self.mode, self.return_tuple)

    def __repr__(self) -> str:
        return f"YUV420To444(mode={self.mode!r}, return_tuple={self.return_tuple})"
