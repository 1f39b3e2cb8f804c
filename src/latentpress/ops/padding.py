"""Padding that brings an image to a size that a model accepts, and takes it off again."""

from torch import Tensor
from torch.nn import functional as F

from latentpress.errors import ConfigurationError

Padding = tuple[int, int, int, int]


def compute_padding(
    in_h: int, in_w: int, *, out_h: int | None = None, out_w: int | None = None, min_div: int = 1
) -> tuple[Padding, Padding]:
    """Return the `F.pad` arguments that centre an image in a larger one, and those that crop it back out.

    Args:
        in_h: height of the image, in pixels.
        in_w: width of the image, in pixels.
        out_h: height wanted; by default the next multiple of `min_div`.
        out_w: width wanted; by default the next multiple of `min_div`.
        min_div: what both sides of the padded image must be multiples of.

    Returns:
        Two tuples (left, right, top, bottom) for `torch.nn.functional.pad`: to pad, and (negative) to undo
        it.

    Raises:
        ConfigurationError: if the wanted size is not a multiple of `min_div`, or smaller than the image.

    Example:
        >>> from latentpress.ops import compute_padding
        >>> compute_padding(100, 128, min_div=64)
        ((0, 0, 14, 14), (0, 0, -14, -14))
    """
    if min_div < 1:
        raise ConfigurationError(f"min_div must be at least 1, not {min_div}.")
    top, bottom = _split(in_h, out_h, min_div, "height")
    left, right = _split(in_w, out_w, min_div, "width")
    return (left, right, top, bottom), (-left, -right, -top, -bottom)


def pad_to_multiple(x: Tensor, factor: int) -> Tensor:
    """Images `x` (N, C, H, W) with their right and bottom edges repeated until both sides are multiples of
    `factor`; `[..., :H, :W]` takes the padding off again.

    Repeated edges cost fewer bits than a sudden black border.

    Example:
        >>> import torch
        >>> from latentpress.ops import pad_to_multiple
        >>> pad_to_multiple(torch.rand(1, 3, 70, 128), 64).shape
        torch.Size([1, 3, 128, 128])
    """
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % factor, 0, -height % factor), mode="replicate")


def _split(size: int, wanted: int | None, divisor: int, side: str) -> tuple[int, int]:
    target = -(-size // divisor) * divisor if wanted is None else wanted
    if target % divisor or target < size:
        raise ConfigurationError(
            f"The padded {side} must be a multiple of {divisor} and at least {size}, not {target}."
        )
    before = (target - size) // 2
    return before, target - size - before
