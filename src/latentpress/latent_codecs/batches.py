"""Running a network over a batch so that each image is computed as if it were alone."""

import copy
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from latentpress.entropy_models.precision import no_autocast

__all__ = ["image_by_image", "in_single", "laid_out"]

Network = TypeVar("Network", bound=nn.Module)

_HALVES = (torch.float16, torch.bfloat16)
_singles: "WeakKeyDictionary[nn.Module, tuple[tuple[object, ...], nn.Module]]" = WeakKeyDictionary()
"""Copies of networks in float32, with what tells the weights that they were made of."""


def image_by_image(
    network: Callable[[Tensor], Tensor], x: Tensor, layout: torch.memory_format = torch.channels_last
) -> Tensor:
    """`network(x)` for `x` (N, C, H, W), one image at a time in the memory layout `layout`.

    Convolution libraries choose their algorithm by batch size and layout, and algorithms differ in the last
    bit; this way an image gives the same bytes in any batch. It also needs the memory of one image only.

    On a CPU where no gradient is wanted, a module of half precision (float16, bfloat16) computes in float32
    on a copy of its weights, which is kept, and its result is rounded once. CPUs differ in which operations
    of half precision they have and in where they round between them, by far more than in float32.

    Example:
        >>> network = torch.nn.Conv2d(4, 8, 3)
        >>> x = torch.randn(3, 4, 16, 16)
        >>> torch.equal(image_by_image(network, x)[1:2], image_by_image(network, x[1:2]))
        True
    """
    if isinstance(network, nn.Module) and _better_in_single(network, x):
        return image_by_image(in_single(network), x.float(), layout).to(x.dtype)
    with no_autocast(x):
        return torch.cat([network(laid_out(image, layout)) for image in x.split(1)])


def _better_in_single(network: nn.Module, x: Tensor) -> bool:
    """Whether a network of half precision is to compute on `x` in float32."""
    on_cpu = x.device.type == "cpu" and not torch.is_grad_enabled() and not torch.compiler.is_compiling()
    return on_cpu and x.dtype in _HALVES and any(p.dtype == x.dtype for p in network.parameters())


def in_single(network: Network) -> Network:
    """A copy of a network in float32, made once for its weights as they are."""
    tensors = [*network.parameters(), *network.buffers()]
    # tensors made in inference mode do not count their changes
    counted = not any(tensor.is_inference() for tensor in tensors)
    stamp = (network.training, *((id(t), t.data_ptr(), t._version) for t in tensors if counted))
    known = _singles.get(network)
    if known is None or not counted or known[0] != stamp:
        with torch.inference_mode(False), torch.no_grad():
            known = _singles[network] = stamp, copy.deepcopy(network).float()
    return known[1]  # type: ignore[return-value]


def laid_out(x: Tensor, layout: torch.memory_format) -> Tensor:
    """`x` with the strides of `layout`.

    `Tensor.contiguous` is not enough for this: with one channel, or one pixel, a tensor of either layout
    counts as being in both, but convolutions go by its strides.
    """
    wanted = torch.empty_like(x, memory_format=layout, device="meta").stride()
    return x if x.stride() == wanted else torch.empty_like(x, memory_format=layout).copy_(x)
