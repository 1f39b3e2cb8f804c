"""When networks may run on the package's own kernels, not PyTorch's operators, and their packed weights."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.latent_codecs.exact import in_integers

__all__ = ["eager", "enabled", "not_compiled", "packed", "usable_for"]

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


def enabled() -> bool:
    """Whether the compiled kernels are wanted here, as they are outside of `eager`."""
    return _enabled.get()


class _Stance:
    """How many contexts, of all threads, want no part of a network to run as torch.compile made it."""

    lock = threading.Lock()
    wanted = 0
    held = ExitStack()


@contextmanager
def not_compiled() -> Iterator[None]:
    """Run what torch.compile has compiled as it was written: in compiled code there are no kernels.

    It holds for the whole process while any thread is in here, for that is what torch has.

    Raises:
        ConfigurationError: the context is entered from compiled code.
    """
    if "torch._dynamo" not in sys.modules:  # it takes a second to import, and nothing is compiled without it
        yield
        return
    if torch.compiler.is_compiling():
        raise _from_compiled_code()
    with _Stance.lock:
        if _Stance.wanted == 0:
            try:
                _Stance.held.enter_context(torch.compiler.set_stance("force_eager"))
            except RuntimeError as error:
                raise _from_compiled_code() from error
        _Stance.wanted += 1
    try:
        yield
    finally:
        with _Stance.lock:
            _Stance.wanted -= 1
            if _Stance.wanted == 0:
                _Stance.held.close()


def _from_compiled_code() -> ConfigurationError:
    return ConfigurationError(
        "Coding runs on the package's own kernels, which torch.compile knows nothing of: call it from code "
        "that is not compiled. Parts of the network may be."
    )


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
