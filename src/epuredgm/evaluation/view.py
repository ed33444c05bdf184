"""A case as points in a feature space: equally many generated and real ones, and the pools for floors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epuredgm.evaluation.matching import Matches

Floats = NDArray[np.float64]

ROUNDING = 1e-6
"""Deviation of an axis, of its largest value, up to which it is constant: features have single precision."""


@dataclass(frozen=True)
class View:
    """Two sets of n points each, and all real designs; float64.

    Attributes:
        generated, real: (n, D).
        train, test: (N, D) and (M, D), from which real-against-real draws are made.
        groups: int (n,), the jackknife group of row i of both sets: 0, ..., G - 1, equally many rows in each
            or nearly. Groups depend on the count and the set's name alone, so that all families leave out
            the same rows.
        repeats: real-against-real draws behind a floor.
        matches: the train points that stand in for generated ones, where row i of both sides shares what was
            asked for; else None.
        lacking: why there is no figure of these points; empty if there is one.
    """

    generated: Floats
    real: Floats
    train: Floats
    test: Floats
    groups: NDArray[np.int64]
    repeats: int
    matches: Matches | None = None
    lacking: str = ""

    def __len__(self) -> int:
        return len(self.generated)

    def kept(self) -> NDArray[np.bool_]:
        """(G, n) the rows that are left when each group is left out in turn."""
        return np.asarray(self.groups != np.arange(int(self.groups.max(initial=-1)) + 1)[:, None])

    def constant(self) -> NDArray[np.bool_]:
        """(D,) the axes on which the train designs do not vary, but for rounding of single precision."""
        size = np.abs(self.train).max(axis=0, initial=0)
        return np.asarray(self.train.std(axis=0) <= ROUNDING * size if len(self.train) else size == 0)

    def scaled(self, smallest: float = 0.0) -> View:
        """The same points in standard deviations of the train designs; a constant axis is only centred.

        If all axes are constant there is no unit, and no figure.

        Args:
            smallest: taken where the standard deviation is smaller, so that an axis on which all but a few
                train designs agree does not outweigh the others.
        """
        centre, spread = self.train.mean(axis=0), self.train.std(axis=0)
        unit = np.where(self.constant(), smallest or 1.0, np.maximum(spread, smallest))

        def scale(points: Floats) -> Floats:
            return np.asarray((points - centre) / unit)

        alike = "the train designs are all alike: there are no deviations to measure in"
        return replace(
            self,
            lacking=alike if self.constant().all() else self.lacking,
            generated=scale(self.generated),
            real=scale(self.real),
            train=scale(self.train),
            test=scale(self.test),
        )


def jackknife_groups(rng: np.random.Generator, count: int, groups: int) -> NDArray[np.int64]:
    """(count,) group of each row, shuffled; at most ``count`` groups."""
    return np.asarray(rng.permutation(np.arange(count) % min(groups, count)), dtype=np.int64)
