"""Many dots as few shapes: equal points become one larger dot, and all dots of a size are one path."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

SIZES = ((1, 2.2), (2, 3.2), (4, 4.4), (8, 5.8), (16, 7.4))
"""(from this many equal points on, diameter in points)."""


def dots(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], color: str, alpha: float = 0.8) -> None:
    """Draw (N,) points; a dot's size says how many lie there.

    A dot is a line of (almost) no length with a round end: a thousand of them are a few kilobytes of SVG,
    a thousand markers are a hundred.
    """
    if not len(x):
        return
    places, counts = np.unique(np.column_stack([x, y]), axis=0, return_counts=True)
    starts = [start for start, _ in SIZES]
    classes = np.searchsorted(starts, counts, side="right") - 1
    for index, (_, diameter) in enumerate(SIZES):
        own = places[classes == index]
        if len(own):
            _draw(axes, own, diameter, color, alpha)


def _draw(axes: Axes, places: NDArray[np.float64], diameter: float, color: str, alpha: float) -> None:
    span = abs(axes.get_xlim()[1] - axes.get_xlim()[0])
    ends = places + np.array([span * 1e-4, 0.0])
    vertices = np.stack([places, ends], axis=1).reshape(-1, 2)
    path = Path(vertices, np.tile([Path.MOVETO, Path.LINETO], len(places)))
    path.should_simplify = False
    patch = PathPatch(path, edgecolor=color, facecolor="none", alpha=alpha, linewidth=diameter)
    patch.set_capstyle("round")
    patch.set_snap(False)  # a line that were snapped to whole pixels would have no length, and vanish
    axes.add_patch(patch)
