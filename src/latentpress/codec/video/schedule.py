"""When a coded file that is being written shows the frames it is given."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from latentpress.codec.video.header import FrameTimes
from latentpress.datasets.frames import Frame

_FINE = Fraction(1, 1_000_000)  # seconds; where no unit that a file can name gives all times exactly
_LARGEST_TERM = 2**31 - 1


class Schedule:
    """Gives each frame its time and length, in ticks; times increase.

    Args:
        rate: frames a second, where they are evenly spaced.
        times: when frames are shown; evenly spaced if None.
        lead: when the first frame is shown, in seconds; None for a part of a clip, which begins with its own
            first frame.

    Attributes:
        tick: the unit of time, in seconds.
    """

    def __init__(self, rate: Fraction, times: FrameTimes | None, lead: Fraction | None) -> None:
        units = [Fraction(1)] if times is None else [times.tick]
        if times is None or not times.each:
            units = [1 / rate, *units] if lead else [1 / rate]
        self.tick = _common(units)
        self._unit = Fraction(1) if times is None else times.tick
        self._step = 1 / rate
        self._lead, self._origin = lead or Fraction(0), None if lead is None else 0
        self._frames, self._last = 0, -1

    def place(self, frame: Frame) -> tuple[int, int]:
        """Time and length of the next frame."""
        moment = frame.moment
        if moment is None:
            start, length = self._frames * self._step, self._step
        else:
            if self._origin is None:
                self._origin = moment.time
            start = (moment.time - self._origin) * self._unit
            length = moment.length * self._unit or self._step
        time = max(round((self._lead + start) / self.tick), self._last + 1)
        self._frames, self._last = self._frames + 1, time
        return time, max(1, round(length / self.tick))


def _common(units: list[Fraction]) -> Fraction:
    """The largest unit of which these are multiples, or a fine one."""
    found = units[0]
    for unit in units[1:]:
        across = gcd(found.numerator * unit.denominator, unit.numerator * found.denominator)
        found = Fraction(across, found.denominator * unit.denominator)
    return found if max(found.numerator, found.denominator) <= _LARGEST_TERM else _FINE
