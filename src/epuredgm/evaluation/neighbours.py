"""Nearest designs: in how many pixels a design differs from the most similar one of another set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]

ROWS = 1024  # designs of the other set at a time: a block of products that stays small


def nearest(designs: Masks, others: Masks) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Hamming distance of each design to the nearest other, over all components, and the row of that other.

    The number of pixels that differ is |a| + |b| - 2 a.b, a product of matrices of zeros and ones, exact in
    float32. Pixels that no design of either set has cost nothing. Of equally near ones the first is named.

    Args:
        designs: (N, C, H, W).
        others: (M, C, H, W), M > 0.

    Returns:
        (N,) pixels; (N,) rows of ``others``.
    """
    here, there = (masks.reshape(len(masks), -1) for masks in (designs, others))
    used = here.any(axis=0) | there.any(axis=0)
    rows = here[:, used].astype(np.float32)
    least = np.full(len(rows), np.inf, dtype=np.float32)
    place = np.zeros(len(rows), dtype=np.int64)
    for start in range(0, len(there), ROWS):
        block = there[start : start + ROWS, used].astype(np.float32)
        differing = rows @ block.T
        differing *= -2
        differing += block.sum(axis=1)
        found = differing.argmin(axis=1)
        value = np.take_along_axis(differing, found[:, None], axis=1)[:, 0]
        nearer = value < least
        least[nearer], place[nearer] = value[nearer], found[nearer] + start
    return np.asarray(least + rows.sum(axis=1), dtype=np.float64), place


def nearest_distances(designs: Masks, others: Masks) -> NDArray[np.float64]:
    """(N,) the distances of :func:`nearest`."""
    return nearest(designs, others)[0]


def kinds(designs: Masks) -> NDArray[np.int64]:
    """(N,) numbers from 0 that are equal for designs that are equal pixel for pixel, and only for those."""
    packed = np.packbits(designs.reshape(len(designs), -1), axis=1)
    whole = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}")[:, 0]
    return np.asarray(np.unique(whole, return_inverse=True)[1], dtype=np.int64)
