"""The Frechet distance between two sets of points, each taken as normal (Heusel et al. 2017, eq. 6).

    |m_x - m_y|^2 + Tr(S_x + S_y - 2 (S_x S_y)^(1/2))

The trace of the root is the nuclear norm of R_x R_y^T, where R^T R = S: no root of a matrix is taken, none
can come out complex, and rank-deficient covariances need no correction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def frechet_distance(x: Floats, y: Floats) -> float:
    """The squared distance, at least 0.

    Args:
        x: (n, D), n > 1.
        y: (m, D), m > 1.
    """
    mean = float(((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum())
    roots = [_root(points) for points in (x, y)]
    traces = sum(float((root**2).sum()) for root in roots)
    nuclear = float(np.linalg.norm(roots[0] @ roots[1].T, ord="nuc"))
    return max(0.0, mean + traces - 2 * nuclear)


def _root(points: Floats) -> Floats:
    """R (min(n, D), D) with R^T R the covariance of the points (n - 1)."""
    centred = (points - points.mean(axis=0)) / np.sqrt(len(points) - 1)
    return centred if len(centred) <= centred.shape[1] else np.linalg.qr(centred, mode="r")
