"""The energy distance between two sets of points (Szekely and Rizzo 2013, J. Stat. Plan. Inference 143:1249).

    2 E|X - Y| - E|X - X'| - E|Y - Y'|

with Euclidean norms; expectations are means over all pairs, those of a point with itself among them. It is 0
only for equal laws, joint ones: two sets with equal marginals lie apart. In one dimension it is
``2 integral (F - G)^2``.

All that the distance and its jackknife need are sums of distances between groups of points: leaving out a
group takes away its row and column of a small matrix of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # float64, or float32 where half the time is worth more than half the digits

ROUNDING = 1e-12  # share of the distances across, below which their difference to those within is 0
BLOCK = 256  # points on either side at a time: a block of distances that fits the processor's cache


def energy_distance(x: Floats, y: Floats) -> float:
    """At least 0, in the unit of the points.

    Args:
        x: (n, D), n > 0.
        y: (m, D), m > 0.
    """
    return float(_energy(pair_sum(x, y), pair_sum(x, x), pair_sum(y, y), len(x), len(y)))


def left_out_distances(x: Floats, y: Floats, groups: NDArray[np.int64]) -> Floats:
    """(G,) the distance without each group of rows.

    Args:
        x, y: (n, D).
        groups: int (n,) in 0, ..., G - 1, the group of row i of both sets.
    """
    sizes = np.bincount(groups)
    xs, ys = ([points[groups == g] for g in range(len(sizes))] for points in (x, y))
    across, within_x, within_y = (_without_each(_between(*sides)) for sides in ((xs, ys), (xs, xs), (ys, ys)))
    left = len(x) - sizes
    return _energy(across, within_x, within_y, left, left)


def pair_sum(x: Floats, y: Floats) -> float:
    """The sum of the distances between all points of x (n, D) and all points of y (m, D)."""
    if x is y:  # each pair of blocks once
        blocks = [x[start : start + BLOCK] for start in range(0, len(x), BLOCK)]
        return float(_between(blocks, blocks).sum())
    total = 0.0
    rows, columns = _left(x), _right(y)
    for start in range(0, len(x), BLOCK):
        for stop in range(0, len(y), BLOCK):
            total += _block_sum(rows[start : start + BLOCK], columns[:, stop : stop + BLOCK])
    return total


def _between(xs: Sequence[Floats], ys: Sequence[Floats]) -> Floats:
    """(G, H) sum of the distances between the points of each x and of each y; symmetric if xs is ys."""
    rows, columns = [_left(x) for x in xs], [_right(y) for y in ys]
    sums = np.zeros((len(xs), len(ys)))
    for g, row in enumerate(rows):
        for h, column in enumerate(columns):
            if xs is ys and h < g:
                sums[g, h] = sums[h, g]
            else:
                sums[g, h] = _block_sum(row, column, same=xs is ys and h == g)
    return sums


def _block_sum(rows: Floats, columns: Floats, same: bool = False) -> float:
    """One product of matrices gives all squares |x|^2 + |y|^2 - 2 x.y; see :func:`_left`, :func:`_right`.

    ``same``: both are of the same points. Each is 0 from itself; the root of what rounds would not be.
    """
    squares = rows @ columns
    if same:
        np.fill_diagonal(squares, 0)
    np.maximum(squares, 0, out=squares)  # the difference of equal points may round to below 0
    return float(np.sqrt(squares, out=squares).sum())


def _left(points: Floats) -> Floats:
    """(n, D + 2) rows x, |x|^2, 1."""
    return np.column_stack([points, (points**2).sum(axis=1), np.ones_like(points[:, 0])])


def _right(points: Floats) -> Floats:
    """(D + 2, m) columns -2 y, 1, |y|^2."""
    return np.vstack([-2 * points.T, np.ones_like(points[:, 0]), (points**2).sum(axis=1)])


def _without_each(sums: Floats) -> Floats:
    """(G,) the total of the sums (G, G) without row and column g, for each g."""
    return np.asarray(sums.sum() - sums.sum(axis=0) - sums.sum(axis=1) + np.diagonal(sums))


def _energy(across: Any, within_x: Any, within_y: Any, n: Any, m: Any) -> Floats:
    """The distance from sums over all pairs, of n and m points; numbers or arrays alike."""
    between = 2 * across / (n * m)
    distance = between - within_x / (n * n) - within_y / (m * m)
    return np.where(distance > ROUNDING * between, distance, 0.0)
