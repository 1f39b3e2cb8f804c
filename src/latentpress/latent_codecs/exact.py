"""Networks in integer arithmetic: the same bits from every processor, library and number of threads.

Sums of floats depend on the order in which they are added, and a decoder that adds in another order than the
encoder did may pick another table and garble what follows. Sums of integers do not (Ballé et al., "Integer
networks for data compression with latent-variable models", ICLR 2019). Here the inputs of every convolution
are rounded to `LEVELS` steps, its weights to as many bits as keep all sums within 2^24, and the convolution
then runs in float32, in which integers up to 2^24 are exact. Everything between convolutions must be made of
single operations that IEEE 754 defines to the bit: additions, products, comparisons, roundings.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from latentpress.errors import ConfigurationError

__all__ = ["IntegerConvolutions", "exact_exp", "in_integers", "logarithms"]

LEVELS = 256
"""Largest magnitude of a rounded input; inputs span at least half of it."""

LARGEST_SUM = 2**24
"""Float32 holds every integer up to here."""


def _exactly(values: Sequence[float]) -> Tensor:
    """Numbers in float32 on the CPU, whatever PyTorch's defaults are."""
    return torch.tensor(values, dtype=torch.float32, device="cpu")


_OCTAVE = 1024
_MANTISSAS = _exactly([2.0 ** (index / _OCTAVE) for index in range(_OCTAVE)])
_POWERS = _exactly([2.0**exponent for exponent in range(-126, 128)])


_active: ContextVar[bool] = ContextVar("in_integers", default=False)


def in_integers() -> bool:
    """Whether `IntegerConvolutions` are active: then networks must run on PyTorch's own convolutions."""
    return _active.get()


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

    def __enter__(self) -> "IntegerConvolutions":
        self._token = _active.set(True)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        _active.reset(self._token)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func not in _CONVOLUTIONS:
            return func(*args, **(kwargs or {}))
        return _convolve(func, *args, **(kwargs or {}))


_CONVOLUTIONS = frozenset({torch.conv2d, torch.conv_transpose2d})


def _convolve(
    convolution: Callable[..., Tensor],
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    if x.shape[0] != 1:
        raise ConfigurationError(f"Expected one image at a time, found {x.shape[0]}.")
    upsampling = convolution is torch.conv_transpose2d
    rows, columns = (stride, stride) if isinstance(stride, int) else (*stride, *stride)[:2]
    kernel = _integer_kernel(weight, upsampling, (rows, columns) if upsampling else (1, 1))
    step = _power_of_two(torch.frexp(x.abs().max())[1]) / LEVELS
    counts = (x / step).round().cpu()  # elsewhere than on CPUs, libraries transform before they add
    with _ieee_sums():
        sums = convolution(counts, kernel.weight, None, stride, *args, **kwargs)
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


def _integer_kernel(weight: Tensor, upsampling: bool, phases: tuple[int, int]) -> _IntegerKernel:
    version = None if weight.is_inference() else weight._version
    known = _kernels.get(weight)
    if known is None or version is None or known[0] != version:
        known = _kernels[weight] = version, _rounded_kernel(weight.detach(), upsampling, phases)
    kernel: _IntegerKernel = known[1]
    return kernel


def _rounded_kernel(weight: Tensor, upsampling: bool, phases: tuple[int, int]) -> _IntegerKernel:
    """The finest integer weights that keep all sums exact.

    They are a function of the float weights alone: the first guess at the exponents, a float, is only where
    the search starts, and what it compares are sums of integers.

    Args:
        weight: of a convolution (out, in, h, w), or of a transposed one (in, out, h, w).
        upsampling: whether it is a transposed one.
        phases: its stride, then: an output sees the taps of every so many rows and columns; else 1 and 1.
    """
    limit = LARGEST_SUM // LEVELS
    floats = weight.cpu().double()
    floats = floats.transpose(0, 1) if upsampling else floats
    if not torch.isfinite(floats).all():
        raise ConfigurationError("The weights of a network hold values that are not finite.")
    exponent = torch.floor(torch.log2(limit / _largest_sums(floats, phases).clamp(min=2.0**-60))).long() + 2
    while True:
        integers = (floats * _power_of_two(exponent)[:, None, None, None]).round()
        too_large = _largest_sums(integers, phases) > limit
        if not too_large.any():
            break
        exponent = exponent - too_large.long()
    integers = (integers.transpose(0, 1) if upsampling else integers).float().contiguous()
    return _IntegerKernel(integers, _power_of_two(-exponent)[:, None, None])


def _largest_sums(weight: Tensor, phases: tuple[int, int]) -> Tensor:
    """Sums of the magnitudes of weights (out, in, h, w) that meet in one output, the largest; (out,)."""
    rows, columns = phases
    sums = [
        weight[:, :, row::rows, column::columns].abs().sum((1, 2, 3))
        for row in range(rows)
        for column in range(columns)
    ]
    return torch.stack(sums).amax(0)


def exact_exp(x: Tensor) -> Tensor:
    """e^x to about 3 decimals, float32, of `x` of any shape, the same bits on every machine.

    Its gradient is that of the exponential.
    """
    result: Tensor = _ExactExp.apply(x)
    return result


class _ExactExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        position = (x.float() * (_OCTAVE / math.log(2))).round().clamp(-100 * _OCTAVE, 100 * _OCTAVE).long()
        mantissa = _MANTISSAS.to(x.device)[position.remainder(_OCTAVE)]
        y = mantissa * _power_of_two(position.div(_OCTAVE, rounding_mode="floor"))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        (y,) = ctx.saved_tensors
        return gradient * y


def logarithms(values: Tensor) -> Tensor:
    """Logarithms of positive numbers as multiples of 2^-16, the same bits on every machine."""
    return _exactly([round(math.log(value) * 2**16) / 2**16 for value in values.tolist()])
