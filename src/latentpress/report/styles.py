"""How curves are told apart, in figures and on the page alike: by colour, marker and dashes at once.

The colours are those of Okabe and Ito, which people with any colour vision tell apart, without the yellow
that is lost on white paper and the black that is lost on a dark screen.
"""

from __future__ import annotations

from dataclasses import dataclass

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A7A7A")
"""Vermilion, blue, green, purple, orange, sky, grey."""

MARKERS = ("circle", "square", "triangle", "diamond", "wedge", "plus", "cross", "star")
DASHES = {"result": "solid", "codec": "dashed", "model": "dotted"}
"""The line of what was measured, of published codecs, and of published learned models."""

# So that the first curves of different kinds do not meet in colour and marker.
_FIRST_MARKER = {"result": 0, "codec": 3, "model": 5}


@dataclass(frozen=True)
class Style:
    """How a curve is drawn.

    Attributes:
        colour: place in `COLOURS`.
        marker: one of `MARKERS`.
        dash: one of the values of `DASHES`.
    """

    colour: int
    marker: str
    dash: str


def style(index: int, kind: str) -> Style:
    """The style of the `index`-th curve of its kind, one of `DASHES`. Up to 56 curves of a kind all differ.

    Example:
        >>> style(0, "result")
        Style(colour=0, marker='circle', dash='solid')
        >>> len({style(index, "model") for index in range(56)})
        56
    """
    rounds, colour = divmod(index, len(COLOURS))
    marker = MARKERS[(colour + rounds + _FIRST_MARKER[kind]) % len(MARKERS)]
    return Style(colour, marker, DASHES[kind])
