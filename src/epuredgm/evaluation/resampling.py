"""How sure a figure is: seeded resamples of designs, intervals from them, and real-against-real draws.

Three kinds of interval, each honest for its kind of figure (``docs/metrics.md`` gives the reasons):

* a distance: the observed value plus and minus a quantile of the *noise norm* of the bootstrap, cut at 0. By
  the triangle inequality ``|W1(F, G) - W1(F_n, G_n)| <= |(F_n - F) - (G_n - G)|``, and the bootstrap imitates
  the right-hand side. A percentile interval of bootstrapped distances would not do: resampling adds noise to
  noise, so bootstrapped distances lie above the observed one, by 60-80 % near the floor.
* a mean: percentile bootstrap.
* a share: the Wilson score interval, which does not collapse to a point when nothing, or all, was counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.seeds import derive

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Draws:
    """Every random choice of one evaluation, as weights of designs; rows are draws.

    Attributes:
        generated: float32 (B, n), how often each generated design counts in each bootstrap resample.
        real: float32 (B, n), the same for the real designs; equal to ``generated`` where designs are paired.
        train: float64 (R, N) in {0, 1}, the train designs in each real-against-real draw.
        test: float64 (R, M) in {0, 1}, the test designs in each real-against-real draw.
        floor_count: designs on either side of a real-against-real draw.
    """

    generated: NDArray[np.float32]
    real: NDArray[np.float32]
    train: Floats
    test: Floats
    floor_count: int

    @classmethod
    def make(
        cls, count: int, train: int, test: int, *, bootstrap: int, floor_repeats: int, paired: bool, seed: int
    ) -> Draws:
        """Draw for ``count`` designs on either side, floors from ``train`` and ``test`` real designs.

        The floor's draws depend on the counts alone, so that all runs of a study share one floor.
        """
        resamples = [
            bootstrap_counts(np.random.default_rng(derive(seed, "bootstrap", side)), count, bootstrap)
            for side in (("pair",) if paired else ("generated", "real"))
        ]
        floor_count = min(count, train, test)
        floor = np.random.default_rng(derive(0, "floor", floor_count))
        return cls(
            generated=resamples[0],
            real=resamples[-1],
            train=subsets(floor, train, floor_count, floor_repeats),
            test=subsets(floor, test, floor_count, floor_repeats),
            floor_count=floor_count,
        )


def bootstrap_counts(rng: np.random.Generator, count: int, repeats: int) -> NDArray[np.float32]:
    """(repeats, count) how often each design is drawn with replacement; rows sum to ``count``."""
    counts = np.empty((repeats, count), dtype=np.float32)
    for row in counts:
        row[:] = np.bincount(rng.integers(0, count, count), minlength=count)
    return counts


def subsets(rng: np.random.Generator, pool: int, size: int, repeats: int) -> Floats:
    """(repeats, pool) in {0, 1}: ``size`` of ``pool`` designs, without replacement, in each row."""
    chosen = np.zeros((repeats, pool))
    for row in chosen:
        row[rng.choice(pool, size, replace=False)] = 1
    return chosen


def weighted_means(weights: NDArray[np.float32] | Floats, values: Floats) -> Floats:
    """(B,) mean of the values (N,) under each row of weights (B, N); NaN values are left out."""
    known = np.isfinite(values)
    total = np.einsum("bn,n->b", weights, known.astype(np.float64))
    summed = np.einsum("bn,n->b", weights, np.where(known, values, 0.0))
    return np.asarray(summed / np.where(total > 0, total, np.nan))


def percentile_interval(resampled: Floats, confidence: float) -> Interval | None:
    """The middle ``confidence`` of the resampled figures; None if there is none."""
    finite = resampled[np.isfinite(resampled)]
    if not finite.size:
        return None
    low, high = np.quantile(finite, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def noise_interval(value: float, noise: Floats, confidence: float) -> Interval | None:
    """``value`` plus and minus the ``confidence`` quantile of the noise (B,), cut at 0; None if B = 0."""
    finite = noise[np.isfinite(noise)]
    if not finite.size:
        return None
    reach = float(np.quantile(finite, confidence))
    return max(0.0, value - reach), value + reach


def share_interval(hits: int, count: int, confidence: float) -> Interval:
    """The Wilson score interval of ``hits`` of ``count`` (Wilson 1927, JASA 22:209)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (
        0.0 if hits == 0 else max(0.0, middle - reach),
        1.0 if hits == count else min(1.0, middle + reach),
    )
