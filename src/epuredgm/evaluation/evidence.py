"""How sure a difference is: its error, an interval, a p value, and p values that allow for many pairs.

Two things change a figure when a study is made again: designs are drawn again, and families are trained
again. One run of each family knows the first alone (the spread of differences of replicates,
:mod:`.resamples`). With several seeds both count, as in a hierarchical bootstrap that draws seeds, and
designs within them:

    error^2 = (variance of the seeds' differences) / seeds + (error of one seed by the draw of designs)^2

with Student's quantiles at the degrees of freedom that Satterthwaite (1946) gives the sum, and never surer
than Student's test of the seeds' differences alone: a few seeds can agree by chance. The bootstrap's own
quantiles would not do: drawn from 3 seeds they take equal families apart in 25 % of cases, from 5 in 16 %
(``docs/metrics.md``). The error by designs is not divided by the number of seeds, because all seeds are held
against one test split.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Spread:
    """A standard error, and the degrees of freedom that it was told from."""

    error: float
    freedom: float

    def reach(self, confidence: float) -> float:
        """Half the width of Student's interval."""
        return float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error

    def p_value(self, value: float) -> float:
        """Two-sided, of a value that is 0 in truth."""
        if self.error == 0:
            return 1.0 if value == 0 else 0.0
        return min(1.0, 2 * float(stdtr(self.freedom, -abs(value) / self.error)))


@dataclass(frozen=True)
class Evidence:
    """What is known of the error of a value: no claim is surer than any of these spreads allows."""

    spreads: tuple[Spread, ...]

    def interval(self, value: float, confidence: float) -> Interval:
        """The widest one around a value."""
        reach = max(spread.reach(confidence) for spread in self.spreads)
        return value - reach, value + reach

    def p_value(self, value: float) -> float:
        """The largest one, of a value that is 0 in truth."""
        return max(spread.p_value(value) for spread in self.spreads)


def of_designs(a: NDArray[np.floating], b: NDArray[np.floating]) -> Spread | None:
    """Of a difference by the draw of designs, from replicates (B,) made on the same resamples.

    A bootstrap's B is large; a jackknife of 20 groups has 19 degrees of freedom. None if the two are not
    equally many, or fewer than two are finite on both sides.
    """
    if len(a) != len(b):
        return None
    gaps = a.astype(np.float64) - b.astype(np.float64)
    gaps = gaps[np.isfinite(gaps)]
    return Spread(float(gaps.std(ddof=1)), len(gaps) - 1) if len(gaps) > 1 else None


def of_seeds(values: Floats, designs: Sequence[Spread | None]) -> Evidence:
    """On the mean of two or more values, one a seed.

    Args:
        values: (S,) one a seed.
        designs: the error of each by the draw of designs, None where nobody knows it.
    """
    seeds = Spread(float(values.std(ddof=1)) / math.sqrt(len(values)), len(values) - 1)
    known = [each for each in designs if each is not None]
    if not known:
        return Evidence((seeds,))
    typical = math.sqrt(sum(each.error**2 for each in known) / len(known))
    return Evidence((seeds, _together(seeds, Spread(typical, min(each.freedom for each in known)))))


def _together(*parts: Spread) -> Spread:
    """The error of a sum of independent parts (Satterthwaite 1946)."""
    largest = max(part.error for part in parts)
    if largest == 0:
        return Spread(0.0, min(part.freedom for part in parts))
    shares = [(part.error / largest) ** 2 for part in parts]
    freedom = sum(shares) ** 2 / sum(s * s / part.freedom for s, part in zip(shares, parts, strict=True))
    return Spread(largest * math.sqrt(sum(shares)), freedom)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values of a family of tests (Holm 1979): at most one in twenty families of true null
    hypotheses has one below 0.05, however the tests hang together.
    """
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for done, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - done) * p_values[index]))
        adjusted[index] = highest
    return adjusted
