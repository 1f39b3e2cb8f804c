"""How the compiled kernels multiply matrices, and which version of them does.

There are two arithmetics: single precision, and fixed point, where the numbers of a row share an exponent and
have 16 bits (`csrc/fixed_point_kernels.hpp`). The results of either are the same to the bit on every CPU, so
that a decoder can repeat them, but those of one are not those of the other: a string is decoded in the
arithmetic that it was made in. Published streams are in single precision. Fixed point is the faster one on
CPUs with matrix tiles (AMX).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from latentpress import _core

FLOAT32 = "float32"
FIXED_POINT = "fixed-point"
ARITHMETICS = (FLOAT32, FIXED_POINT)

_FASTER_IN_FIXED_POINT = ("amx",)
_fastest_kernels = _core.fixed_point_kernels()
_kernels: ContextVar[str] = ContextVar("latentpress_kernel_version", default="")
_arithmetic: ContextVar[str] = ContextVar("latentpress_arithmetic", default=FLOAT32)


@contextmanager
def kernel_version(name: str) -> Iterator[None]:
    """Use the kernels of this name ("amx", "avx512", "avx2", "neon", "portable"); all compute the same."""
    token = _kernels.set(name)
    try:
        yield
    finally:
        _kernels.reset(token)


def kernels() -> str:
    """Name of the kernels to use; empty for the fastest."""
    return _kernels.get()


@contextmanager
def computing_in(name: str) -> Iterator[None]:
    """Multiply matrices in the arithmetic of this name, one of `ARITHMETICS`, within this context."""
    token = _arithmetic.set(name)
    try:
        yield
    finally:
        _arithmetic.reset(token)


def in_fixed_point() -> bool:
    """Whether matrices are multiplied in fixed point here."""
    return _arithmetic.get() == FIXED_POINT


def fastest_arithmetic() -> str:
    """Name of the faster arithmetic on this CPU."""
    return FIXED_POINT if (_kernels.get() or _fastest_kernels) in _FASTER_IN_FIXED_POINT else FLOAT32
