"""Names for many results of one job, planned before the work begins, so that none takes another's place."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence


def distinct(short: Sequence[str], long: Sequence[str]) -> list[str]:
    """The short name of each result where no other has it, and the long one elsewhere.

    A long name can be the short one of another result, which then gets its long one, too. Names that differ
    in nothing but small and capital letters, or in how an accent is composed, are the same to some file
    systems, and so count as the same short name everywhere.

    Args:
        short, long: the two names of each result.

    Example:
        >>> distinct(["a", "b", "a"], ["a.png", "b.png", "a.jpg"])
        ['a.png', 'b', 'a.jpg']
        >>> distinct(["a", "a", "a.png"], ["a.png", "a.jpg", "a.png.png"])
        ['a.png', 'a.jpg', 'a.png.png']
    """
    lengthened: set[int] = set()
    while True:
        names = [long[i] if i in lengthened else name for i, name in enumerate(short)]
        keys = [_folded(name) for name in names]
        uses = Counter(keys)
        clashing = {i for i, key in enumerate(keys) if uses[key] > 1} - lengthened
        if not clashing:
            return names
        lengthened |= clashing


def numbered(names: Iterable[str]) -> list[str]:
    """The names, with `-2`, `-3` and so on behind those that came before.

    Example:
        >>> numbered(["a", "b", "a", "a-2"])
        ['a', 'b', 'a-2', 'a-2-2']
    """
    taken: set[str] = set()
    result = []
    for name in names:
        free = name
        number = 2
        while _folded(free) in taken:
            free, number = f"{name}-{number}", number + 1
        taken.add(_folded(free))
        result.append(free)
    return result


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
