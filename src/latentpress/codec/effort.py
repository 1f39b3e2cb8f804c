"""How much time an encoder may take: from the networks alone to latents that are optimised for the image."""

from __future__ import annotations

from latentpress.errors import ConfigurationError

__all__ = ["DEFAULT_EFFORT", "EFFORTS", "LARGEST_PLAIN_EFFORT", "steps_of"]

EFFORTS = range(10)
DEFAULT_EFFORT = 1
_STEPS = (0, 0, 0, 8, 14, 20, 35, 50, 65, 80)
LARGEST_PLAIN_EFFORT = max(effort for effort in EFFORTS if not _STEPS[effort])
"""Up to here, only the networks run."""


def steps_of(effort: int) -> int:
    """Steps of optimisation that an effort from 0 to 9 stands for; none up to 2.

    Raises:
        ConfigurationError: there is no such effort.
    """
    if isinstance(effort, bool) or not isinstance(effort, int) or effort not in EFFORTS:
        raise ConfigurationError(
            f"Expected an effort from {EFFORTS[0]} to {EFFORTS[-1]}, a whole number, found {effort!r}."
        )
    return _STEPS[effort]
