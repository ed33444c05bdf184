"""One colour and one marker for each family, the same in every chart of a report."""

from __future__ import annotations

from collections.abc import Iterable

COLORS = (
    "#2c52ff",  # blue
    "#de7602",  # orange
    "#c3147f",  # magenta
    "#04a0b4",  # teal
    "#706c00",  # olive
    "#616695",  # slate
    "#933dcf",  # purple
    "#ea0011",  # red
    "#fe4b92",  # pink
    "#777eee",  # lavender
    "#a85c57",  # brown
    "#66a04a",  # green
)
"""Far apart for people with each kind of colour vision, and readable on white and on near-black.

Found by maximising the smallest distance between two of them in OKLab, as seen with normal vision and with
the dichromacies of Machado et al. (2009), at relative luminances between 0.135 and 0.285: contrast is at
least 3 both against white and against a near-black of luminance 0.01. The first are the farthest apart.
"""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
"""Shapes, as matplotlib names them; what colours cannot tell apart, they do."""


def family_colors(names: Iterable[str]) -> dict[str, str]:
    """Name -> colour, by the place in the sorted names; from the thirteenth on, colours come again."""
    return {name: COLORS[place % len(COLORS)] for place, name in enumerate(sorted(set(names)))}


def marker_of(color: str) -> str:
    """The shape that goes with a colour: each has its own; a circle for any other colour."""
    return MARKERS[COLORS.index(color)] if color in COLORS else MARKERS[0]
