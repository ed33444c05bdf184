"""The Wasserstein-1 distance on a line, under many re-weightings of the same values: sort once, then sum.

W1(F, G) is the area between two distribution functions, ``integral |F(z) - G(z)| dz``. A resample changes how
often each design counts and never where it lies, so one sort serves all resamples: each is a gather of its
counts, a cumulative sum and a weighted sum of absolute values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Weights = NDArray[Any]  # (B, N) floats: how often each design counts in each of B resamples

BLOCK = 1 << 16
"""Numbers held at a time; a block that fits the cache is four times faster than all resamples at once."""


class Line:
    """Two sets of designs on one axis.

    Args:
        x: (N,) or (N, k) values of the first set; all k of a design lie on the axis. NaN is left out.
        y: (M,) or (M, l) values of the second set.

    Raises:
        ValueError: if a set has no value at all.
    """

    def __init__(self, x: Floats, y: Floats) -> None:
        x, y = (np.asarray(side, dtype=np.float64).reshape(len(side), -1) for side in (x, y))
        values = np.concatenate([x.ravel(), y.ravel()])
        owners = np.concatenate(
            [np.repeat(np.arange(len(x)), x.shape[1]), np.repeat(np.arange(len(y)) + len(x), y.shape[1])]
        )
        self._mass = [np.isfinite(side).sum(axis=1, dtype=np.float64) for side in (x, y)]
        if not all(mass.any() for mass in self._mass):
            raise ValueError("a set has no value on this axis")
        values, owners = values[np.isfinite(values)], owners[np.isfinite(values)]
        # From the right: what lies at the smallest value never enters a difference of tails, and many axes
        # have nearly all their values there (overlaps of designs that do not overlap).
        order = np.argsort(-values, kind="stable")
        order = order[values[order] > values.min()]
        self._owners = owners[order]
        self._gaps = -np.diff(values[order], append=values.min())

    def distance(self, weights_x: Weights | None = None, weights_y: Weights | None = None) -> Floats:
        """(B,) the distance under each re-weighting; without weights (1,), the plug-in value.

        NaN for a resample in which a set has no value.
        """
        tails, unit = self._tails(*self._or_ones(weights_x, weights_y))
        return np.concatenate([np.empty(0), *(self._area(block) for block in tails)]) / unit

    def spread(self, weights_x: Weights, weights_y: Weights) -> tuple[Floats, Floats]:
        """(B,) distances of the resamples, and (B,) norms of their noise.

        With F*, G* the resampled and F, G the observed distribution functions, the first is ``|F* - G*|`` and
        the second ``|(F* - G*) - (F - G)|``, both integrated.
        """
        observed, count = self._tails(*self._or_ones(None, None))
        tails, unit = self._tails(weights_x, weights_y)
        centre = (next(observed)[0] * (unit / count)).astype(weights_x.dtype)
        distances, noise = [np.empty(0)], [np.empty(0)]
        for block in tails:
            distances.append(self._area(block))
            block -= centre
            noise.append(self._area(block))
        return np.concatenate(distances) / unit, np.concatenate(noise) / unit

    def _or_ones(self, weights_x: Weights | None, weights_y: Weights | None) -> tuple[Weights, Weights]:
        ones = [np.ones((1, len(mass))) for mass in self._mass]
        return (
            ones[0] if weights_x is None else weights_x,
            ones[1] if weights_y is None else weights_y,
        )

    def _tails(self, weights_x: Weights, weights_y: Weights) -> tuple[Iterator[Weights], float]:
        """Blocks (b, P) of the difference of the two sets' values at or right of each position, and its unit.

        Divided by the unit the blocks are differences of shares. Counted in it, equally many whole counts
        stay whole, and float32 sums of them exact.
        """
        totals = [
            np.einsum("bn,n->b", w, mass) for w, mass in zip((weights_x, weights_y), self._mass, strict=True)
        ]
        unit = max(1.0, *(float(total.max(initial=0)) for total in totals))
        scales = [
            (unit / np.where(total > 0, total, np.nan)).astype(w.dtype)[:, None]
            for total, w in zip(totals, (weights_x, weights_y), strict=True)
        ]
        return self._blocks((weights_x, weights_y), scales), unit

    def _blocks(self, weights: tuple[Weights, Weights], scales: list[Weights]) -> Iterator[Weights]:
        step = max(1, BLOCK // max(1, len(self._owners)))
        for b in (slice(start, start + step) for start in range(0, len(weights[0]), step)):
            joined = np.concatenate([weights[0][b] * scales[0][b], weights[1][b] * -scales[1][b]], axis=1)
            tails = np.take(joined, self._owners, axis=1)
            yield np.cumsum(tails, axis=1, out=tails)

    def _area(self, tails: Weights) -> Floats:
        gaps = self._gaps.astype(tails.dtype)
        # einsum rather than BLAS: the same bytes whatever the number of threads
        return np.asarray(np.einsum("bp,p->b", np.abs(tails), gaps), dtype=np.float64)
