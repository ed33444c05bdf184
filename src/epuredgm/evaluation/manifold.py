"""Precision, recall, density and coverage: sets of points against each other through balls around points.

Each point's ball reaches to its k-th nearest neighbour of the same set (Kynkaanniemi et al. 2019, eq. 1). The
figures are computed for many ways of leaving rows out at once, so that a jackknife costs little more than the
figures themselves: neighbours are sought once, and only the balls that lose one of them grow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FIGURES = ("precision", "recall", "density", "coverage")
ROWS = 512  # of a table of distances at a time
SPARE = 10  # neighbours kept beyond the k-th, of which some may be left out


def manifold_figures(real: Floats, generated: Floats, keep: Flags, k: int) -> Floats:
    """The four figures for each way of leaving rows out.

    * precision: share of generated points inside the ball of any real one;
    * recall: share of real points inside the ball of any generated one (Kynkaanniemi et al. 2019, eq. 2);
    * density: mean number of real balls that a generated point is in, over k (Naeem et al. 2020, eq. 3);
    * coverage: share of real points whose ball has a generated point inside (Naeem et al. 2020, eq. 4).

    A ball includes its edge.

    Args:
        real, generated: (n, D) each.
        keep: bool (S, n), the rows of both sets that each way keeps; more than k in each.
        k: which neighbour a ball reaches to, at least 1.

    Returns:
        (S, 4), in the order of ``FIGURES``.
    """
    ways, count = keep.shape
    around_real, around_generated = (np.where(keep, radii(side, keep, k), -1.0) for side in (real, generated))
    precise, recalled, covered = (np.zeros((ways, count), dtype=bool) for _ in range(3))
    inside = np.zeros(ways)
    for start in range(0, count, ROWS):
        rows = slice(start, start + ROWS)
        apart = cdist(generated[rows], real, "sqeuclidean")
        for way in range(ways):
            within = (apart <= around_real[way]) & keep[way, rows, None]
            precise[way, rows] = within.any(axis=1)
            covered[way] |= within.any(axis=0)
            inside[way] += np.count_nonzero(within)
            recalled[way] |= (apart <= around_generated[way, rows, None]).any(axis=0)
    hits = [precise.sum(axis=1), (recalled & keep).sum(axis=1), inside / k, covered.sum(axis=1)]
    return np.asarray(np.stack(hits, axis=1) / keep.sum(axis=1)[:, None])


def radii(points: Floats, keep: Flags, k: int) -> Floats:
    """(S, n) squared distance of each point to its k-th nearest other one that is kept."""
    ways, count = keep.shape
    found = np.empty((ways, count))
    near = min(count - 1, k + (SPARE if ways > 1 else 0))
    for start in range(0, count, ROWS):
        apart = cdist(points[start : start + ROWS], points, "sqeuclidean")
        here = np.arange(len(apart))
        apart[here, start + here] = np.inf
        nearest = np.argpartition(apart, near - 1, axis=1)[:, :near]
        ordered = np.take_along_axis(nearest, np.take_along_axis(apart, nearest, 1).argsort(axis=1), 1)
        for way in range(ways):
            kept = keep[way, ordered].cumsum(axis=1) == k
            column = kept.argmax(axis=1)
            radius = apart[here, ordered[here, column]]
            short = ~kept.any(axis=1)  # too many of the near ones are left out: look at all
            if short.any():
                radius[short] = np.partition(np.where(keep[way], apart[short], np.inf), k - 1)[:, k - 1]
            found[way, start : start + ROWS] = radius
    return found
