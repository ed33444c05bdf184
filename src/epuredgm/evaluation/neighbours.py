"""Nearest designs: how many pixels a design differs from the most similar one of another set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]

ROWS = 1024  # designs of the other set at a time: a block of products that stays small


def nearest_distances(designs: Masks, others: Masks) -> NDArray[np.float64]:
    """Hamming distance of each design to the nearest other, over all components.

    The number of pixels that differ is |a| + |b| - 2 a.b, a product of matrices of zeros and ones, exact in
    float32. Pixels that no design of either set has cost nothing.

    Args:
        designs: (N, C, H, W).
        others: (M, C, H, W), M > 0.

    Returns:
        (N,) pixels.
    """
    here, there = (masks.reshape(len(masks), -1) for masks in (designs, others))
    used = here.any(axis=0) | there.any(axis=0)
    rows = here[:, used].astype(np.float32)
    own = rows.sum(axis=1)
    nearest = np.full(len(rows), np.inf, dtype=np.float32)
    for start in range(0, len(there), ROWS):
        block = there[start : start + ROWS, used].astype(np.float32)
        differing = block.sum(axis=1) - 2 * (rows @ block.T)
        np.minimum(nearest, differing.min(axis=1), out=nearest)
    return np.asarray(nearest + own, dtype=np.float64)
