"""Y4M, the format of uncompressed video that says what it holds, through pipes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np

from latentpress.datasets.clip import Clip, ClipInfo, Colour
from latentpress.datasets.frames import Frame, frame_from_samples
from latentpress.datasets.rawformat import RawFormat, format_from_y4m
from latentpress.datasets.rawvideo import usual_matrix
from latentpress.errors import DataError

FRAME_MARK = b"FRAME\n"


def y4m_header(layout: RawFormat) -> bytes:
    """The first line of a `.y4m` file."""
    name = {"yuv400": "mono"}.get(layout.format.value, layout.format.value[3:])
    if layout.bitdepth > 8:
        name += f"{'' if name == 'mono' else 'p'}{layout.bitdepth}"
    elif name == "420":
        name = "420jpeg"  # chroma lies midway between samples of luma
    rate = layout.framerate or Fraction(0)
    frequency = f"F{rate.numerator}:{rate.denominator}" if rate else "F0:0"
    aspect = f"A{layout.aspect.numerator}:{layout.aspect.denominator}"
    limits = "FULL" if layout.full_range else "LIMITED"
    fields = f"W{layout.width} H{layout.height} {frequency} Ip {aspect} C{name} XCOLORRANGE={limits}"
    return f"YUV4MPEG2 {fields}\n".encode("ascii")


class Y4mPipe(Clip):
    """A clip that arrives through a pipe, and so can be iterated over once.

    Args:
        pipe: to read from.
        name: what to call it in messages.

    Raises:
        DataError: what arrives does not begin like a `.y4m` file.
    """

    def __init__(self, pipe: BinaryIO, name: Path) -> None:
        self._pipe, self.path = pipe, name
        layout, _ = format_from_y4m(pipe.readline(4096), name, {})
        self.info = ClipInfo(layout, Colour(usual_matrix(layout.height)))

    def __iter__(self) -> Iterator[Frame]:
        layout = self.info.layout
        while mark := self._pipe.readline(4096):
            samples = self._pipe.read(layout.frame_bytes)
            if not mark.startswith(b"FRAME") or len(samples) < layout.frame_bytes:
                raise DataError(f"Expected whole frames from {self.path}, found them cut or damaged.")
            yield frame_from_samples(np.frombuffer(samples, np.uint8), layout)
