"""How long parts of a model take, told apart without a change to the model."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import torch
from torch import nn

TRANSFORMS = ("g_a", "g_s", "h_a", "h_s")


class Stopwatch:
    """Wall-clock seconds of a block, and how many of them a model spent in its transforms.

    The transforms are the modules called `g_a`, `g_s`, `h_a` and `h_s`; what is left of the total is entropy
    coding, the building of distributions included.

    Args:
        model: what works in the block.
        device: where it computes; on a GPU, the queue is emptied before each reading.

    Attributes:
        seconds: the total.
        transform_seconds: in transforms; None if the model was not seen to use any.

    Example:
        >>> model = nn.Module()
        >>> model.g_a = nn.Conv2d(3, 8, 5)
        >>> with Stopwatch(model) as watch:
        ...     latent = model.g_a(torch.rand(1, 3, 64, 64))
        >>> 0 < watch.transform_seconds <= watch.seconds
        True
    """

    def __init__(self, model: Any, device: torch.device | str = "cpu") -> None:
        self._on_gpu = torch.device(device).type == "cuda"
        self.seconds = 0.0
        self.transform_seconds: float | None = None
        parts = (getattr(model, name, None) for name in TRANSFORMS)
        self._transforms = [part for part in parts if isinstance(part, nn.Module)]
        self._handles: list[Any] = []
        self._start = 0.0
        self._starts: list[float] = []

    def __enter__(self) -> Stopwatch:
        for transform in self._transforms:
            self._handles.append(transform.register_forward_pre_hook(self._enter_transform))
            self._handles.append(transform.register_forward_hook(self._leave_transform))
        self._start = self._now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = self._now() - self._start
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _enter_transform(self, *_: Any) -> None:
        self._starts.append(self._now())

    def _leave_transform(self, *_: Any) -> None:
        # Of transforms inside one another, the outermost counts.
        start = self._starts.pop()
        if not self._starts:
            self.transform_seconds = (self.transform_seconds or 0.0) + self._now() - start

    def _now(self) -> float:
        if self._on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter()
