"""Memory that the outputs of compiled blocks are written to, used again within a call and by the next one.

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

_MOST_KEPT = 2**28  # bytes of a workspace that waits for the next call
_MOST_WAITING = 2
_current: ContextVar["_Workspace | None"] = ContextVar("latentpress_workspace", default=None)
_waiting: "list[_Workspace]" = []


class _Workspace:
    """Lends float32 tensors; memory comes back when the last tensor that looks at it is gone."""

    def __init__(self) -> None:
        self._free: defaultdict[int, list[Tensor]] = defaultdict(list)
        self._before: dict[int, list[Tensor]] = {}  # not used since the last call

    def empty(self, shape: tuple[int, ...]) -> Tensor:
        count = math.prod(shape)
        free = self._free[count]
        memory = free.pop() if free else self._from_before(count)
        lent = memory.numpy()[:]  # which torch holds on to for as long as there are views of the tensor
        weakref.finalize(lent, free.append, memory).atexit = False
        return torch.from_numpy(lent).view(shape)

    def _from_before(self, count: int) -> Tensor:
        before = self._before.get(count)
        return before.pop() if before else torch.empty(count, dtype=torch.float32, device="cpu")

    def end_call(self) -> None:
        """Keep what this call used for the next one, and give the rest back to the system."""
        kept = 0
        for count, free in sorted(self._free.items()):
            room = (_MOST_KEPT - kept) // (4 * count) if count else 0
            del free[room:]
            kept += 4 * count * len(free)
        self._before, self._free = self._free, defaultdict(list)


@contextmanager
def workspace() -> Iterator[None]:
    """Use memory again for what `empty` returns within this context, or within an earlier one."""
    try:
        own = _waiting.pop()
    except IndexError:
        own = _Workspace()
    token = _current.set(own)
    try:
        yield
    finally:
        _current.reset(token)
        own.end_call()
        if len(_waiting) < _MOST_WAITING:
            _waiting.append(own)


def empty(*shape: int) -> Tensor:
    """A float32 tensor on the CPU whose values are not defined."""
    current = _current.get()
    return torch.empty(shape, dtype=torch.float32, device="cpu") if current is None else current.empty(shape)
