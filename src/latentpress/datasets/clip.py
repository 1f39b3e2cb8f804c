"""What is known of a video, and its frames as a stream, which readers of every kind of file give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from torch import Tensor

from latentpress.datasets.frames import Frame, rgb_of
from latentpress.datasets.rawformat import RawFormat
from latentpress.datasets.timing import Timing

UNSPECIFIED = 2  # code of primaries and of a transfer function that nobody named


@dataclass(frozen=True)
class Colour:
    """What the colours of a clip mean.

    Attributes:
        matrix: of YCbCr: "bt601", "bt709" or "bt2020".
        primaries, transfer: codes of ITU-T H.273, which are only handed on; 2 is unspecified.
    """

    matrix: str
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before its frames are read.

    Attributes:
        layout: size of frames, meaning of samples, frame rate.
        colour: meaning of colours.
        frames: how many there are, where the file says so.
        audio: whether the file has sound, too.
        timing: when frames are shown, of a coded file; evenly spaced at the frame rate if None.
    """

    layout: RawFormat
    colour: Colour
    frames: int | None = None
    audio: bool = False
    timing: Timing | None = None

    @property
    def beginning(self) -> Fraction:
        """When the first of pictures and sound begins, in seconds on the clock of the file."""
        timing = self.timing
        if timing is None or timing.tick is None:
            return Fraction(0)
        pictures = timing.start * timing.tick
        return pictures if timing.sound is None else min(pictures, timing.sound)


class Clip(ABC):
    """A video file. Iterating gives its frames, each time from the first one; one at a time is in memory.

    Attributes:
        path: the file.
        info: what is known of it.
        damage: what of the file could not be read, in one sentence, once its frames were gone through; None
            if nothing is known to be wrong.
    """

    path: Path
    info: ClipInfo
    damage: str | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]: ...

    def rgb(self, frame: Frame) -> Tensor:
        """One of its frames as RGB `(3, H, W)` float32 in [0, 1]."""
        return rgb_of(frame, self.info.layout, self.info.colour.matrix)
