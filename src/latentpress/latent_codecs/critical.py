"""The coder-critical path: what a decoder must reproduce bit for bit before it can read the next symbol.

Hyper-synthesis, context prediction, entropy parameters and the choice of a table from a scale all go through
this one interface. The transforms between pixels and latents do not belong here: they only affect pixels.

The sums inside a convolution are rounded in an order that the library chooses from the batch size, the
memory layout and the number of threads, and a last bit of difference in a scale can select another table and
garble all that follows. There are two remedies. Floats, which the streams of the field need: every network
on this path runs on one image at a time, image and weights laid out with the last dimension innermost, on a
fixed number of threads, outside autocast; the result is then the same, on one machine, however encoder and
decoder were called. Integers, which files use: the result is the same on all machines.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from latentpress.entropy_models import GaussianConditional
from latentpress.entropy_models.precision import no_autocast
from latentpress.latent_codecs.batches import image_by_image, laid_out
from latentpress.latent_codecs.exact import IntegerConvolutions, logarithms

__all__ = ["CodingParameters", "coding_parameters", "evaluate", "indexes_of_logarithms", "portably"]


class CodingParameters(NamedTuple):
    """How each symbol of a latent is coded.

    Attributes:
        indexes: table of each symbol, int32, of the latent's shape (N, C, H, W).
        means: what the symbols are counted from, of the same shape; None for 0.
    """

    indexes: Tensor
    means: Tensor | None


def evaluate(network: Callable[[Tensor], Tensor], x: Tensor, *, exact: bool = False) -> Tensor:
    """`network(x)` for `x` (N, C, H, W), the same for each image whatever the batch, layout or thread count.

    Args:
        network: what to compute; `latentpress.latent_codecs.exact` says what may be in it if `exact` is set.
        x: its inputs.
        exact: whether to compute in integers, and so the same on every machine, as it is anyway inside
            `portably`. Otherwise the result is the same on one machine, and close to it on others.

    Example:
        >>> network = torch.nn.Conv2d(4, 8, 3)
        >>> x = torch.randn(3, 4, 16, 16)
        >>> torch.equal(evaluate(network, x)[1:2], evaluate(network, x[1:2]))
        True
    """
    with torch.no_grad(), no_autocast(x):
        if exact or _portable.get():
            with IntegerConvolutions():
                return image_by_image(network, x, torch.contiguous_format)
        with _fixed_threads(), _PlainConvolutions():
            return image_by_image(network, x, torch.contiguous_format)


_portable: ContextVar[bool] = ContextVar("portable", default=False)


@contextmanager
def portably() -> Iterator[None]:
    """What is coded inside decodes inside on any machine: networks compute in integers, as for `exact`.

    Strings differ a little from those made outside, which are those of the field; neither decode the other
    way.

    Example:
        >>> network, x = torch.nn.Conv2d(4, 8, 3), torch.randn(1, 4, 16, 16)
        >>> with portably():
        ...     y = evaluate(network, x)
        >>> torch.equal(y, evaluate(network, x, exact=True))
        True
    """
    token = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(token)


def coding_parameters(
    conditional: GaussianConditional, scales: Tensor, means: Tensor | None = None
) -> CodingParameters:
    """The integer table of each element of a latent, from the `scales` (N, C, H, W) that `evaluate` gave."""
    return CodingParameters(conditional.build_indexes(scales), means)


def indexes_of_logarithms(conditional: GaussianConditional, log_scales: Tensor) -> Tensor:
    """The integer table of each element, int32, from the logarithms of scales of any shape.

    The same on every machine, which exponentials would not be.
    """
    boundaries = logarithms(conditional.scale_table[:-1]).to(log_scales)
    return torch.bucketize(log_scales.contiguous(), boundaries, out_int32=True)


# Any fixed number gives the same bytes. One is right where several processes share the cores, and costs
# little elsewhere: what runs here is small beside the transforms.
THREADS = 1

# Thread counts are global to the process; the lock keeps one caller from restoring them under another.
_LOCK = threading.RLock()


@contextmanager
def _fixed_threads() -> Iterator[None]:
    with (
        _LOCK,
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
    ):
        threads = torch.get_num_threads()
        torch.set_num_threads(THREADS)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


class _PlainConvolutions(TorchFunctionMode):
    """While active, convolutions get all their tensors with the last dimension innermost.

    A model that was moved to channels-last would otherwise take other algorithms than one that was not.
    """

    _CONVOLUTIONS = frozenset({torch.conv1d, torch.conv2d, torch.conv_transpose1d, torch.conv_transpose2d})

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in self._CONVOLUTIONS:
            args = tuple(_plain(value) for value in args)
            kwargs = {name: _plain(value) for name, value in kwargs.items()}
        return func(*args, **kwargs)


def _plain(value: Any) -> Any:
    return laid_out(value, torch.contiguous_format) if isinstance(value, Tensor) else value
