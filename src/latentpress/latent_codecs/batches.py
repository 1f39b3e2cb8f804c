"""Running a network over a batch so that each image is computed as if it were alone."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["image_by_image", "laid_out"]


def image_by_image(
    network: Callable[[Tensor], Tensor], x: Tensor, layout: torch.memory_format = torch.channels_last
) -> Tensor:
    """`network(x)` for `x` (N, C, H, W), one image at a time in the memory layout `layout`.

    Convolution libraries choose their algorithm by batch size and layout, and algorithms differ in the last
    bit; this way an image gives the same bytes in any batch. It also needs the memory of one image only.

    Example:
        >>> network = torch.nn.Conv2d(4, 8, 3)
        >>> x = torch.randn(3, 4, 16, 16)
        >>> torch.equal(image_by_image(network, x)[1:2], image_by_image(network, x[1:2]))
        True
    """
    return torch.cat([network(laid_out(image, layout)) for image in x.split(1)])


def laid_out(x: Tensor, layout: torch.memory_format) -> Tensor:
    """`x` with the strides of `layout`.

    `Tensor.contiguous` is not enough for this: with one channel, or one pixel, a tensor of either layout
    counts as being in both, but convolutions go by its strides.
    """
    wanted = torch.empty_like(x, memory_format=layout, device="meta").stride()
    return x if x.stride() == wanted else torch.empty_like(x, memory_format=layout).copy_(x)
