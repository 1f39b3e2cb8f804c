"""When the frames of a coded video file are shown: evenly spaced, or each at a time of its own."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from latentpress.datasets.frames import Moment

_JITTER = Fraction(1, 1000)  # seconds that times may be off an even grid; many kinds of file count in these
_LARGEST_DENOMINATOR = 1001  # of a rate that nothing but the times of frames says


@dataclass(frozen=True)
class Timing:
    """When the frames of a clip are shown.

    Attributes:
        rate: frames a second, the mean where they are not even; None where it is not known.
        even: whether frames are evenly spaced at this rate, and the last is shown no longer than the others.
        tick: the unit of time in the file, in seconds; None where frames have no times.
        start: when the first frame is shown, in ticks on the clock of the file.
        sound: when the sound begins, in seconds on the same clock; None where there is none.
    """

    rate: Fraction | None
    even: bool = True
    tick: Fraction | None = None
    start: int = 0
    sound: Fraction | None = None

    @property
    def lead(self) -> Fraction:
        """Seconds from the beginning of the sound to the first frame; negative where that comes first."""
        if self.tick is None or self.sound is None:
            return Fraction(0)
        return self.start * self.tick - self.sound


def timing_of(packets: Iterable[Any], stream: Any, first: int | None) -> Timing:
    """The timing of a file, from a look at all of its packets; nothing is decoded.

    Args:
        packets: of pictures and sound, from PyAV.
        stream: the pictures.
        first: when the first frame is shown, in ticks; what is to be shown before is not there. None where
            frames have no times.
    """
    times, lengths = array("q"), array("q")
    timed = first is not None
    sound: Fraction | None = None
    for packet in packets:
        if packet.stream is not stream:
            if packet.pts is not None:
                began = packet.pts * packet.time_base
                sound = began if sound is None else min(sound, began)
        elif packet.size and not packet.is_discard:
            timed = timed and packet.pts is not None
            times.append(packet.pts or 0)
            lengths.append(packet.duration or 0)
    tick = stream.time_base
    said = [Fraction(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate]
    if not timed or first is None or tick is None:
        return Timing(_rate_of(lengths, tick) or next(iter(said), None))
    tick = Fraction(tick)
    order = np.argsort(times, kind="stable")
    shown = np.asarray(times, np.int64)[order] - first
    kept = np.flatnonzero(shown >= 0)
    if not len(kept):
        return Timing(next(iter(said), None), True, tick, first, sound)
    shown, last = shown[kept], int(np.asarray(lengths, np.int64)[order][kept[-1]])
    rates = [*said, *_measured(shown, tick)]
    even = next((rate for rate in rates if _is_even(shown, last, tick, rate)), None)
    rate = even or _mean(shown, last, tick) or next(iter(said), None)
    return Timing(rate, even is not None, tick, first, sound)


class Clock:
    """Gives each frame its moment, counted from the first; time never stands still and never goes back.

    Where it does in the file, what follows is moved, to go on where the frame before ends.

    Args:
        timing: of the file.
    """

    def __init__(self, timing: Timing) -> None:
        self._shift = -timing.start
        self._usual = 1
        if timing.tick and timing.rate:
            self._usual = max(1, round(1 / (timing.rate * timing.tick)))
        self._last: Moment | None = None

    def moment(self, pts: int | None, length: int | None) -> Moment:
        """The moment of the next frame.

        Args:
            pts: when the file says that it is shown, in ticks.
            length: and how long.
        """
        follows = 0
        if self._last is not None:
            follows = self._last.time + (self._last.length or self._usual)
        if pts is None:
            pts = follows - self._shift
        elif pts + self._shift <= (-1 if self._last is None else self._last.time):
            self._shift = follows - pts
        self._last = Moment(pts + self._shift, max(0, length or 0))
        return self._last


def _rate_of(lengths: Iterable[int], tick: Fraction | None) -> Fraction | None:
    """The rate of packets that are all equally long."""
    found = set(lengths)
    length = found.pop() if len(found) == 1 else 0
    return 1 / (length * Fraction(tick)) if tick and length > 0 else None


def _measured(shown: np.ndarray, tick: Fraction) -> Iterator[Fraction]:
    """Rates that the times of frames suggest: by the usual distance, and by all of them."""
    if len(shown) < 2 or shown[-1] == shown[0]:
        return
    usual = int(np.median(np.diff(shown)))
    if usual > 0:
        yield 1 / (usual * tick)
    exact = (len(shown) - 1) / (int(shown[-1] - shown[0]) * tick)
    yield exact.limit_denominator(_LARGEST_DENOMINATOR)
    yield exact


def _mean(shown: np.ndarray, last: int, tick: Fraction) -> Fraction | None:
    whole = int(shown[-1] - shown[0]) + last
    return (len(shown) / (whole * tick)).limit_denominator(_LARGEST_DENOMINATOR) if whole > 0 else None


def _is_even(shown: np.ndarray, last: int, tick: Fraction, rate: Fraction) -> bool:
    """Whether frames are where they would be at a rate, to within what rounding to ticks does."""
    each = 1 / (rate * tick)  # ticks a frame
    tolerance = float(min(max(Fraction(1), _JITTER / tick), each / 2))
    grid = np.arange(len(shown)) * float(each)
    return bool(np.all(np.abs(shown - shown[0] - grid) <= tolerance)) and (
        last <= 0 or abs(last - float(each)) <= tolerance
    )
