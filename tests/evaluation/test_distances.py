"""The weighted W1 distance is scipy's, is a metric, and its intervals cover what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.stats import spearmanr, wasserstein_distance

from epuredgm.evaluation.correlation import rank_correlations
from epuredgm.evaluation.distances import Line
from epuredgm.evaluation.resampling import (
    bootstrap_counts,
    noise_interval,
    percentile_interval,
    share_interval,
    subsets,
    weighted_means,
)

Floats = NDArray[np.float64]

numbers = st.floats(-100, 100).map(lambda value: round(value, 2))
samples = arrays.arrays(np.float64, st.integers(1, 20), elements=numbers)


def w1(x: Floats, y: Floats) -> float:
    return float(Line(x, y).distance()[0])


@given(samples, samples)
def test_equals_scipy(x: Floats, y: Floats) -> None:
    assert w1(x, y) == pytest.approx(wasserstein_distance(x, y), abs=1e-10)


@given(samples, samples)
def test_is_symmetric(x: Floats, y: Floats) -> None:
    assert w1(x, y) == pytest.approx(w1(y, x), abs=1e-10)


@given(samples, st.integers(-50, 50))
def test_a_shift_by_d_is_d_away(x: Floats, shift: int) -> None:
    assert w1(x, x + shift) == pytest.approx(abs(shift), abs=1e-10)


@given(samples)
def test_order_and_repetition_change_nothing(x: Floats) -> None:
    assert w1(x, np.tile(x[::-1], 3)) == pytest.approx(0, abs=1e-10)


@given(samples, samples, samples)
def test_the_triangle_inequality_holds(x: Floats, y: Floats, z: Floats) -> None:
    assert w1(x, z) <= w1(x, y) + w1(y, z) + 1e-9


@given(samples, samples, st.integers(0, 2**32 - 1))
def test_weights_are_repetitions(x: Floats, y: Floats, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts_x, counts_y = (bootstrap_counts(rng, len(side), 3) for side in (x, y))
    weighted = Line(x, y).distance(counts_x, counts_y)
    for b in range(3):
        repeated = [np.repeat(side, counts[b].astype(int)) for side, counts in ((x, counts_x), (y, counts_y))]
        assert weighted[b] == pytest.approx(wasserstein_distance(*repeated), rel=1e-4, abs=1e-4)


def test_missing_values_are_left_out_and_several_per_design_are_pooled() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
    x[rng.random(x.shape) < 0.3] = np.nan
    assert w1(x, y) == pytest.approx(wasserstein_distance(x[np.isfinite(x)], y.ravel()), abs=1e-12)
    counts = bootstrap_counts(rng, 40, 1)
    repeated = np.repeat(x, counts[0].astype(int), axis=0)
    expected = wasserstein_distance(repeated[np.isfinite(repeated)], y.ravel())
    assert Line(x, y).distance(counts)[0] == pytest.approx(expected, rel=1e-4)


def test_a_set_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        Line(np.array([np.nan]), np.array([1.0]))


def test_the_noise_vanishes_where_both_sides_are_resampled_as_one() -> None:
    x = np.random.default_rng(0).normal(size=50)
    counts = bootstrap_counts(np.random.default_rng(1), 50, 20)
    resampled, noise = Line(x, x).spread(counts, counts)
    assert not resampled.any() and not noise.any()


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("stretch", [1.0, 1.3])
def test_distance_intervals_cover_the_true_distance(shift: float, stretch: float) -> None:
    """Two normal laws, from none to far apart: the 90 % interval covers in at least 85 % of trials."""
    rng = np.random.default_rng(int(100 * shift + 10 * stretch))
    grid = rng.normal(size=400_000)
    truth = wasserstein_distance(grid, stretch * grid + shift)
    trials, covered = 150, 0
    for _ in range(trials):
        line = Line(rng.normal(size=80), stretch * rng.normal(size=80) + shift)
        _, noise = line.spread(bootstrap_counts(rng, 80, 200), bootstrap_counts(rng, 80, 200))
        interval = noise_interval(float(line.distance()[0]), noise, 0.9)
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert covered >= 0.85 * trials


def test_percentile_intervals_of_bootstrapped_distances_would_miss_a_true_zero() -> None:
    """Why distances do not use them: with equal laws they lie above 0 always."""
    rng = np.random.default_rng(0)
    line = Line(rng.normal(size=200), rng.normal(size=200))
    resampled, _ = line.spread(bootstrap_counts(rng, 200, 200), bootstrap_counts(rng, 200, 200))
    interval = percentile_interval(resampled, 0.95)
    assert interval is not None and interval[0] > 0
    assert resampled.mean() > line.distance()[0]


def test_mean_intervals_cover_the_true_mean() -> None:
    rng = np.random.default_rng(0)
    trials, covered = 200, 0
    for _ in range(trials):
        values = rng.exponential(size=100)
        interval = percentile_interval(weighted_means(bootstrap_counts(rng, 100, 200), values), 0.9)
        assert interval is not None
        covered += interval[0] <= 1 <= interval[1]
    assert covered >= 0.84 * trials


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5, 0.99])
def test_share_intervals_cover_the_true_share(share: float) -> None:
    hits = np.random.default_rng(0).binomial(200, share, size=1000)
    intervals = [share_interval(int(each), 200, 0.9) for each in hits]
    assert np.mean([low <= share <= high for low, high in intervals]) >= 0.85


def test_share_intervals_do_not_collapse_at_the_ends() -> None:
    low, high = share_interval(0, 100, 0.95)
    assert low == 0 and 0.01 < high < 0.05
    assert share_interval(100, 100, 0.95) == pytest.approx((1 - high, 1))


@given(st.integers(1, 30), st.integers(1, 5))
def test_resamples_keep_the_count(count: int, repeats: int) -> None:
    counts = bootstrap_counts(np.random.default_rng(0), count, repeats)
    assert (counts.sum(axis=1) == count).all() and counts.shape == (repeats, count)
    chosen = subsets(np.random.default_rng(0), 30, count, repeats)
    assert (chosen.sum(axis=1) == count).all() and set(np.unique(chosen)) <= {0, 1}


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_rank_correlation_equals_scipy_with_ties_and_repetitions(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, levels + 1, size=(2, 40)).astype(float)
    counts = bootstrap_counts(rng, 40, 4)
    measured = rank_correlations(x, y, counts)
    for b in range(4):
        pairs = np.repeat(np.stack([x, y]), counts[b].astype(int), axis=1)
        if (np.ptp(pairs, axis=1) == 0).any():
            assert np.isnan(measured[b])
        else:
            assert measured[b] == pytest.approx(spearmanr(*pairs).statistic, abs=1e-12)
