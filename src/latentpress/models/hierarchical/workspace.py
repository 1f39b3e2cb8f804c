"""Memory that the outputs of compiled blocks are written to, used again within a call.

A large array fresh from the system costs a page fault for every 4 KiB of it, which takes a quarter as long as
the block that fills it.
"""

import math
import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

_current: ContextVar["_Workspace | None"] = ContextVar("latentpress_workspace", default=None)


class _Workspace:
    """Lends float32 tensors; memory comes back when the last tensor that looks at it is gone."""

    def __init__(self) -> None:
        self._free: defaultdict[int, list[Tensor]] = defaultdict(list)

    def empty(self, shape: tuple[int, ...]) -> Tensor:
        count = math.prod(shape)
        free = self._free[count]
        memory = free.pop() if free else torch.empty(count)
        lent = memory.numpy()[:]  # which torch holds on to for as long as there are views of the tensor
        weakref.finalize(lent, free.append, memory).atexit = False
        return torch.from_numpy(lent).view(shape)


@contextmanager
def workspace() -> Iterator[None]:
    """Use memory again for what `empty` returns within this context; all is given back at its end."""
    token = _current.set(_Workspace())
    try:
        yield
    finally:
        _current.reset(token)


def empty(*shape: int) -> Tensor:
    """A float32 tensor on the CPU whose values are not defined."""
    current = _current.get()
    return torch.empty(shape) if current is None else current.empty(shape)
