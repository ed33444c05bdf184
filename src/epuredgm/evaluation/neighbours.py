"""Nearest designs: how many pixels a design differs from the most similar one of another set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]

ROWS = 1024  # designs of the other set at a time: a block of products that stays small


def nearest(designs: Masks, others: Masks) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Hamming distance of each design to the nearest other, over all components, and which one that is.

    The number of pixels that differ is |a| + |b| - 2 a.b, a product of matrices of zeros and ones, exact in
    float32. Pixels that no design of either set has cost nothing.

    Args:
        designs: (N, C, H, W).
        others: (M, C, H, W), M > 0.

    Returns:
        (N,) pixels, and (N,) rows of ``others``; of equally near ones the first.
    """
    here, there = (masks.reshape(len(masks), -1) for masks in (designs, others))
    used = here.any(axis=0) | there.any(axis=0)
    rows = here[:, used].astype(np.float32)
    own = rows.sum(axis=1)
    distances = np.full(len(rows), np.inf, dtype=np.float32)
    indices = np.zeros(len(rows), dtype=np.int64)
    for start in range(0, len(there), ROWS):
        block = there[start : start + ROWS, used].astype(np.float32)
        differing = block.sum(axis=1) - 2 * (rows @ block.T)
        best = differing.argmin(axis=1)
        least = np.take_along_axis(differing, best[:, None], axis=1)[:, 0]
        nearer = least < distances
        distances[nearer], indices[nearer] = least[nearer], start + best[nearer]
    return np.asarray(distances + own, dtype=np.float64), indices


def nearest_distances(designs: Masks, others: Masks) -> NDArray[np.float64]:
    """Hamming distance of each design to the nearest other, (N,) pixels; see :func:`nearest`."""
    return nearest(designs, others)[0]
