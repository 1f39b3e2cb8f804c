"""Colour spaces and chroma sampling of tensors, as functions. Samples are in [0, 1], full range: chroma is
centred on one half."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from latentpress.errors import ConfigurationError

__all__ = ["LUMA_WEIGHTS", "rgb2ycbcr", "ycbcr2rgb", "yuv_420_to_444", "yuv_444_to_420"]

Planes = tuple[Tensor, Tensor, Tensor]

# What red, green and blue weigh in luma: ITU-R BT.601-7, BT.709-6 and BT.2020-2 (non-constant luminance).
LUMA_WEIGHTS: dict[str, tuple[float, float, float]] = {
    "bt601": (0.299, 0.587, 0.114),
    "bt709": (0.2126, 0.7152, 0.0722),
    "bt2020": (0.2627, 0.6780, 0.0593),
}


def rgb2ycbcr(rgb: Tensor, matrix: str = "bt709") -> Tensor:
    """RGB as YCbCr.

    Args:
        rgb: `(N, 3, H, W)` or `(3, H, W)`, floating point, in [0, 1].
        matrix: "bt601", "bt709" or "bt2020".

    Returns:
        A tensor of the same shape, in [0, 1].

    Raises:
        ConfigurationError: the tensor has another shape or type, or there is no such matrix.

    Example:
        >>> import torch
        >>> from latentpress.transforms.functional import rgb2ycbcr
        >>> rgb2ycbcr(torch.ones(3, 1, 1)).flatten().tolist()
        [1.0, 0.5, 0.5]
    """
    _check_three_planes(rgb)
    red_weight, green_weight, blue_weight = _luma_weights(matrix)
    red, green, blue = rgb.unbind(-3)
    y = red_weight * red + green_weight * green + blue_weight * blue
    cb = 0.5 * (blue - y) / (1 - blue_weight) + 0.5
    cr = 0.5 * (red - y) / (1 - red_weight) + 0.5
    return torch.stack((y, cb, cr), dim=-3)


def ycbcr2rgb(ycbcr: Tensor, matrix: str = "bt709") -> Tensor:
    """YCbCr as RGB, the inverse of `rgb2ycbcr`; colours that RGB does not have fall outside of [0, 1].

    Args:
        ycbcr: `(N, 3, H, W)` or `(3, H, W)`, floating point, in [0, 1].
        matrix: "bt601", "bt709" or "bt2020".

    Returns:
        A tensor of the same shape.

    Raises:
        ConfigurationError: the tensor has another shape or type, or there is no such matrix.
    """
    _check_three_planes(ycbcr)
    red_weight, green_weight, blue_weight = _luma_weights(matrix)
    y, cb, cr = ycbcr.unbind(-3)
    red = y + (2 - 2 * red_weight) * (cr - 0.5)
    blue = y + (2 - 2 * blue_weight) * (cb - 0.5)
    green = (y - red_weight * red - blue_weight * blue) / green_weight
    return torch.stack((red, green, blue), dim=-3)


def yuv_444_to_420(yuv: Tensor | Planes, mode: str = "avg_pool") -> Planes:
    """Chroma at half the width and height: each sample is the mean of four.

    Args:
        yuv: `(N, 3, H, W)` (or `(3, H, W)`), or its three planes `(N, 1, H, W)`; H and W even.
        mode: "avg_pool".

    Returns:
        Y `(N, 1, H, W)`, U and V `(N, 1, H/2, W/2)`.

    Raises:
        ConfigurationError: there is no such mode, or the input has another layout or an odd side.
    """
    if mode != "avg_pool":
        raise ConfigurationError(f"Expected the downsampling mode 'avg_pool', found {mode!r}.")
    y, u, v = _planes(yuv)
    if y.shape[-2] % 2 or y.shape[-1] % 2:
        raise ConfigurationError(
            f"Expected an even height and width, found {y.shape[-2]}x{y.shape[-1]}: pad or crop first."
        )
    return y, F.avg_pool2d(u, 2), F.avg_pool2d(v, 2)


def yuv_420_to_444(yuv: Planes, mode: str = "bilinear", return_tuple: bool = False) -> Tensor | Planes:
    """Chroma brought up to the size of luma.

    Args:
        yuv: Y `(N, 1, H, W)`, U and V `(N, 1, H/2, W/2)`.
        mode: "bilinear", with samples midway between those of luma, or "nearest".
        return_tuple: return three planes `(N, 1, H, W)` instead of one tensor.

    Returns:
        `(N, 3, H, W)`, or three planes.

    Raises:
        ConfigurationError: there is no such mode, or the input is not three planes of these sizes.
    """
    if mode not in ("bilinear", "nearest"):
        raise ConfigurationError(f"Expected the upsampling mode 'bilinear' or 'nearest', found {mode!r}.")
    y, u, v = _planes(tuple(yuv))
    half = (y.shape[-2] / 2, y.shape[-1] / 2)
    if tuple(u.shape[-2:]) != half or tuple(v.shape[-2:]) != half:
        raise ConfigurationError(
            f"Expected chroma of half the size of luma {tuple(y.shape[-2:])}, "
            f"found {tuple(u.shape[-2:])} and {tuple(v.shape[-2:])}."
        )
    u, v = _doubled(u, mode), _doubled(v, mode)
    return (y, u, v) if return_tuple else torch.cat((y, u, v), dim=-3)


def _doubled(plane: Tensor, mode: str) -> Tensor:
    corners = None if mode == "nearest" else False
    batch = plane if plane.dim() == 4 else plane.unsqueeze(0)
    return F.interpolate(batch, scale_factor=2, mode=mode, align_corners=corners).reshape(
        *plane.shape[:-2], 2 * plane.shape[-2], 2 * plane.shape[-1]
    )


def _planes(yuv: Tensor | tuple[Tensor, ...]) -> Planes:
    if isinstance(yuv, Tensor):
        _check_three_planes(yuv)
        y, u, v = yuv.chunk(3, dim=-3)
        return y, u, v
    if len(yuv) != 3 or not all(_is_image(plane, 1) for plane in yuv):
        found = ", ".join(str(tuple(plane.shape)) if isinstance(plane, Tensor) else "?" for plane in yuv)
        raise ConfigurationError(f"Expected three planes of shape (N, 1, H, W), found {found}.")
    return yuv[0], yuv[1], yuv[2]


def _check_three_planes(x: Tensor) -> None:
    if not _is_image(x, 3):
        found = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ConfigurationError(
            f"Expected a floating-point tensor of shape (N, 3, H, W) or (3, H, W), found {found}."
        )


def _is_image(x: object, channels: int) -> bool:
    return isinstance(x, Tensor) and x.is_floating_point() and x.dim() in (3, 4) and x.shape[-3] == channels


def _luma_weights(matrix: str) -> tuple[float, float, float]:
    if matrix not in LUMA_WEIGHTS:
        raise ConfigurationError(f"Expected a colour matrix of {', '.join(LUMA_WEIGHTS)}, found {matrix!r}.")
    return LUMA_WEIGHTS[matrix]
