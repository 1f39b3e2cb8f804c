"""Search for the quality that fills a size budget best."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from latentpress.errors import ConfigurationError


def best_within(
    budget: int,
    encode: Callable[[float], bytes],
    qualities: Sequence[float],
    refine: Callable[[float], bytes] | None = None,
) -> bytes:
    """The file of the highest quality found that does not exceed the budget, by bisection over the qualities.

    A higher quality is taken to give a larger file. Where it does not, the result still keeps to the budget.

    Args:
        budget: most bytes that the file may have.
        encode: quality -> file.
        qualities: the qualities to choose from, ascending; about log2 of their number are tried.
        refine: quality -> file, which takes long and makes smaller files than `encode`: tried twice, at the
            quality that fits without it, and at the one that should fit with it.

    Raises:
        ConfigurationError: even the lowest quality exceeds the budget; the message says what is possible.

    Example:
        >>> len(best_within(70, lambda quality: bytes(int(quality)), range(1, 101)))
        70
    """
    quality, best = _highest_within(budget, encode, qualities)
    if refine is None:
        return best
    refined = refine(quality)
    saving = len(best) / max(1, len(refined))
    higher, _ = _highest_within(int(budget * saving), encode, qualities)
    candidates = [refine(higher), refined] if higher > quality else [refined]
    return next((data for data in candidates if len(data) <= budget), best)


def _highest_within(
    budget: int, encode: Callable[[float], bytes], qualities: Sequence[float]
) -> tuple[float, bytes]:
    best = encode(qualities[0])
    if len(best) > budget:
        raise ConfigurationError(
            f"Expected a target that quality {qualities[0]:g} can meet, which takes {len(best)} bytes, "
            f"found a target of {budget} bytes: raise it or make the image smaller."
        )
    low, high = 0, len(qualities)  # what is at `low` fits; what is at `high`, if anything, does not
    while high - low > 1:
        middle = (low + high) // 2
        data = encode(qualities[middle])
        if len(data) > budget:
            high = middle
        else:
            low, best = middle, data
    return qualities[low], best
