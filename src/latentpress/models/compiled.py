"""When networks may run on the package's own kernels, not PyTorch's operators, and their packed weights."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from latentpress.latent_codecs.exact import in_integers

__all__ = ["eager", "packed", "usable_for"]

_enabled: ContextVar[bool] = ContextVar("latentpress_compiled_kernels", default=True)
_packed: "WeakKeyDictionary[nn.Module, tuple[tuple[int, ...], object]]" = WeakKeyDictionary()

Packed = TypeVar("Packed")


@contextmanager
def eager() -> Iterator[None]:
    """Run networks on PyTorch's own operators within this context, as in training."""
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)


def usable_for(x: Tensor) -> bool:
    """Whether the compiled kernels may compute on `x`: in float32 on a CPU, where no gradient is wanted."""
    return (
        _enabled.get()
        and not torch.is_grad_enabled()
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and not in_integers()
    )


def packed(module: nn.Module, make: Callable[[], Packed]) -> Packed:
    """What `make` returns for the weights of `module`, made once for the weights as they are."""
    stamp = tuple(number for p in module.parameters() for number in (p.data_ptr(), _version(p)))
    known = _packed.get(module)
    if known is None or known[0] != stamp:
        with torch.no_grad():
            known = (stamp, make())
        _packed[module] = known
    return known[1]  # type: ignore[return-value]


def _version(parameter: Tensor) -> int:
    # tensors made in inference mode do not count their changes
    return -1 if parameter.is_inference() else parameter._version
