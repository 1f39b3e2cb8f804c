"""Networks in integer arithmetic: the same bits from every processor, library and number of threads.

Sums of floats depend on the order in which they are added, and a decoder that adds in another order than the
encoder did may pick another table and garble what follows. Sums of integers do not (Ballé et al., "Integer
networks for data compression with latent-variable models", ICLR 2019). Here the inputs of every convolution
are rounded to `LEVELS` steps, its weights to as many bits as keep all sums within 2^24, and the convolution
then runs in float32, in which integers up to 2^24 are exact. Everything between convolutions must be made of
single operations that IEEE 754 defines to the bit: additions, products, comparisons, roundings.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from latentpress.errors import ConfigurationError

__all__ = ["IntegerConvolutions", "exact_exp", "logarithms"]

LEVELS = 512
"""Largest magnitude of a rounded input; inputs span at least half of it."""

LARGEST_SUM = 2**24
"""Float32 holds every integer up to here."""

_OCTAVE = 1024
_MANTISSAS = torch.tensor([2.0 ** (index / _OCTAVE) for index in range(_OCTAVE)])
_POWERS = torch.tensor([2.0**exponent for exponent in range(-126, 128)])


class IntegerConvolutions(TorchFunctionMode):
    """While active, convolutions of one image compute the same bits on every machine.

    Example:
        >>> network = torch.nn.Conv2d(64, 8, 3)
        >>> x = torch.randn(1, 64, 16, 16)
        >>> with torch.no_grad(), IntegerConvolutions():
        ...     y = network(x)
        >>> bool((y - network(x)).abs().max() < 0.02)
        True
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func not in _OUT_DIM:
            return func(*args, **(kwargs or {}))
        return _convolve(func, *args, **(kwargs or {}))


_OUT_DIM: dict[Callable[..., Tensor], int] = {torch.conv2d: 0, torch.conv_transpose2d: 1}
"""Which dimension of the weights of each kind of convolution has the output channels."""


def _convolve(
    convolution: Callable[..., Tensor],
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    if x.shape[0] != 1:
        raise ConfigurationError(f"Expected one image at a time, found {x.shape[0]}.")
    kernel = _integer_kernel(weight, _OUT_DIM[convolution])
    step = _power_of_two(torch.frexp(x.abs().max())[1]) / LEVELS
    counts = (x / step).round().cpu()  # elsewhere than on CPUs, libraries transform before they add
    with _ieee_sums():
        sums = convolution(counts, kernel.weight, None, *args, **kwargs)
    y = sums.to(x.device) * (kernel.unit.to(x.device) * step)
    return y if bias is None else y + bias.float()[:, None, None]


def _power_of_two(exponent: Tensor) -> Tensor:
    """2^exponent, float32, from a table: `torch.exp2` and `torch.ldexp` need not be exact."""
    return _POWERS.to(exponent.device)[exponent.long().clamp(-126, 127) + 126]


@contextmanager
def _ieee_sums() -> Iterator[None]:
    """Undo a user's leave to the library to compute float32 convolutions in bfloat16."""
    settings = getattr(torch.backends.mkldnn, "conv", None)  # since torch 2.9
    if settings is None:
        yield
        return
    before = settings.fp32_precision
    settings.fp32_precision = "ieee"
    try:
        yield
    finally:
        settings.fp32_precision = before


class _IntegerKernel(NamedTuple):
    """Integer weights, and what one of them is worth in each output channel, a power of two, (C, 1, 1)."""

    weight: Tensor
    unit: Tensor


_kernels: Any = WeakTensorKeyDictionary()
"""Kernels by float weights, with how often those had been written to."""


def _integer_kernel(weight: Tensor, out_dim: int) -> _IntegerKernel:
    version = None if weight.is_inference() else weight._version
    known = _kernels.get(weight)
    if known is None or version is None or known[0] != version:
        known = _kernels[weight] = version, _rounded_kernel(weight.detach(), out_dim)
    kernel: _IntegerKernel = known[1]
    return kernel


def _rounded_kernel(weight: Tensor, out_dim: int) -> _IntegerKernel:
    """The finest integer weights that keep all sums exact.

    They are a function of the float weights alone: the first guess at the exponents, a float, is only where
    the search starts, and what it compares are sums of integers.
    """
    limit = LARGEST_SUM // LEVELS
    rows = weight.cpu().double().transpose(0, out_dim).flatten(1)
    if not torch.isfinite(rows).all():
        raise ConfigurationError("The weights of a network hold values that are not finite.")
    size = rows.abs().sum(1).clamp(min=2.0**-60)
    exponent = torch.floor(torch.log2(limit / size)).long() + 2
    while True:
        integers = (rows * _power_of_two(exponent)[:, None]).round()
        too_large = integers.abs().sum(1) > limit
        if not too_large.any():
            break
        exponent = exponent - too_large.long()
    shape = weight.transpose(0, out_dim).shape
    integers = integers.reshape(shape).transpose(0, out_dim).float().contiguous()
    return _IntegerKernel(integers, _power_of_two(-exponent)[:, None, None])


def exact_exp(x: Tensor) -> Tensor:
    """e^x to about 3 decimals, float32, of `x` of any shape, the same bits on every machine."""
    position = (x.float() * (_OCTAVE / math.log(2))).round().clamp(-100 * _OCTAVE, 100 * _OCTAVE).long()
    mantissa = _MANTISSAS.to(x.device)[position.remainder(_OCTAVE)]
    return mantissa * _power_of_two(position.div(_OCTAVE, rounding_mode="floor"))


def logarithms(values: Tensor) -> Tensor:
    """Logarithms of positive numbers as multiples of 2^-16, the same bits on every machine."""
    return torch.tensor([round(math.log(value) * 2**16) / 2**16 for value in values.tolist()])
