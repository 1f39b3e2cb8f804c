"""What a process keeps between two images because it is slow to make: the last model, and that it is warm."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

Made = TypeVar("Made")
Recipe = TypeVar("Recipe")

_forgetting: list[Callable[[], None]] = []


def keep_last(make: Callable[[Recipe], Made]) -> Callable[[Recipe], Made]:
    """Decorator: the last result is kept until another recipe is given or `forget_all` is called.

    A process measures a subject on all its images before the next one, so one result is enough.

    Example:
        >>> made = keep_last(lambda size: [0] * size)
        >>> made(3) is made(3)
        True
        >>> forget_all()
    """
    kept = lru_cache(maxsize=1)(make)
    _forgetting.append(kept.cache_clear)
    return kept


def forget_all() -> None:
    """Free the memory; and the file that a model came from may be another one next time."""
    for forget in _forgetting:
        forget()
