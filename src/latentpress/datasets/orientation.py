"""How a picture has to be turned and mirrored to be shown, as a display matrix says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Orientation:
    """One of the eight, as a picture is shown: first rows become columns, then it is mirrored.

    Attributes:
        sideways: whether rows become columns.
        mirrored: whether left and right are then swapped.
        flipped: whether top and bottom are.
    """

    sideways: bool = False
    mirrored: bool = False
    flipped: bool = False

    def shown(self, plane: np.ndarray) -> np.ndarray:
        """A plane `(H, W)` as it is to be shown, without a copy."""
        if self.sideways:
            plane = plane.T
        return plane[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1]

    def moves_chroma(self, width: int, height: int, across: int, down: int) -> bool:
        """Whether samples of chroma that stand for `across` x `down` of luma would stand for others in a
        picture of this size that is mirrored: from an end where a side is odd."""
        mirrored, flipped = (self.flipped, self.mirrored) if self.sideways else (self.mirrored, self.flipped)
        return bool((mirrored and width % across) or (flipped and height % down))


def orientation_of(matrix: Sequence[int]) -> Orientation:
    """The orientation nearest to a display matrix (ISO/IEC 14496-12, 8.3.2), which may turn by any angle.

    Args:
        matrix: its nine numbers; (x, y) of the picture is shown at (a x + c y, b x + d y), where they are
            a, b, u, c, d, v, ..., and y goes down.

    Example:
        >>> orientation_of([0, 1, 0, -1, 0, 0, 0, 0, 1])  # a quarter turn, clockwise
        Orientation(sideways=True, mirrored=True, flipped=False)
    """
    a, b, _, c, d = matrix[:5]
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, c < 0, b < 0)
    return Orientation(False, a < 0, d < 0)
