"""Spearman's rank correlation under many re-weightings of the same pairs, ties sharing their mean rank."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Weights = NDArray[Any]

BLOCK = 1 << 18
"""Numbers held at a time."""


def rank_correlations(x: Floats, y: Floats, weights: Weights) -> Floats:
    """(B,) correlation of the ranks of x (N,) and y (N,), pairs counted as each row of weights (B, N) says.

    NaN where x or y does not vary. With weights of 1 this is ``scipy.stats.spearmanr``.
    """
    result = np.full(len(weights), np.nan)
    if len(x) < 2:
        return result
    places = [np.unique(values, return_inverse=True)[1] for values in (x, y)]
    step = max(1, BLOCK // len(x))
    for start in range(0, len(weights), step):
        part = weights[start : start + step].astype(np.float64)
        a, b = (_centred_ranks(place, part) for place in places)
        products = [np.einsum("bn,bn,bn->b", part, u, v) for u, v in ((a, b), (a, a), (b, b))]
        scale = np.sqrt(products[1] * products[2])
        result[start : start + step] = products[0] / np.where(scale > 0, scale, np.nan)
    return result


def _centred_ranks(place: NDArray[np.intp], weights: Floats) -> Floats:
    """(B, N) mean ranks of the tied values, minus their weighted mean; ``place`` (N,) orders the values."""
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    held = np.add.reduceat(weights[:, order], starts, axis=1)  # (B, U): weight of each distinct value
    ranks = np.cumsum(held, axis=1) - held / 2
    total = held.sum(axis=1, keepdims=True)
    centre = (ranks * held).sum(axis=1, keepdims=True) / np.where(total > 0, total, np.nan)
    return np.asarray((ranks - centre)[:, place])
