"""Running a network over a batch so that each image is computed as if it were alone."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["image_by_image"]


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
    return torch.cat([network(_laid_out(image, layout)) for image in x.split(1)])


def _laid_out(image: Tensor, layout: torch.memory_format) -> Tensor:
    # `contiguous` is not enough: with one channel or one pixel, tensors of either layout count as both.
    return torch.empty_like(image, memory_format=layout).copy_(image)
