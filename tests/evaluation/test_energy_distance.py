"""The energy distance is that of all pairs, scipy's on a line, 0 for equal sets; its jackknife is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cdist

from epuredgm.evaluation import energy, jackknife

Floats = NDArray[np.float64]
seeds = st.integers(0, 2**31)


def brute(x: Floats, y: Floats) -> float:
    """Every pair of points looked at, those of a point with itself among them."""
    return float(2 * cdist(x, y).mean() - cdist(x, x).mean() - cdist(y, y).mean())


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), seeds)
def test_it_is_the_mean_over_all_pairs(n: int, m: int, width: int, block: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, width)), rng.normal(1, 2, size=(m, width))
    before, energy.BLOCK = energy.BLOCK, block  # blocks of any size
    try:
        assert energy.energy_distance(x, y) == pytest.approx(brute(x, y), abs=1e-6)
        assert energy.pair_sum(x, y) == pytest.approx(cdist(x, y).sum())
    finally:
        energy.BLOCK = before


@given(st.integers(1, 30), st.integers(1, 30), seeds)
def test_on_a_line_it_is_the_square_of_scipys(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=n), rng.exponential(size=m)
    expected = stats.energy_distance(x, y) ** 2  # its definition there: 2 integral (F - G)^2
    assert energy.energy_distance(x[:, None], y[:, None]) == pytest.approx(expected, abs=1e-6)


@given(st.integers(4, 12), st.integers(2, 4), st.integers(1, 3), seeds)
def test_leaving_a_group_out_of_the_sums_is_leaving_its_rows_out(
    count: int, groups: int, width: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, count, width))
    group = rng.permutation(np.arange(count) % groups)
    expected = [brute(x[group != g], y[group != g]) for g in range(groups)]
    np.testing.assert_allclose(energy.left_out_distances(x, y, group), expected, atol=1e-6)


def test_equal_sets_have_none_in_whatever_order_and_equal_marginals_are_not_enough() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 1)) @ np.ones((1, 2))
    assert energy.energy_distance(x, x[rng.permutation(400)]) == pytest.approx(0, abs=1e-7)
    dealt = np.column_stack([x[:, 0], x[rng.permutation(400), 1]])
    for axis in range(2):
        assert energy.energy_distance(x[:, [axis]], dealt[:, [axis]]) == pytest.approx(0, abs=1e-7)
    assert energy.energy_distance(x, dealt) > 0.1


@pytest.mark.parametrize(("shift", "truth"), [(0.0, 0.0), (0.3, None)])
def test_an_interval_that_allows_for_the_bias_covers_as_often_as_it_says(
    shift: float, truth: float | None
) -> None:
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(3, 9))  # nine axes, three degrees of freedom, as places of components have

    def draw(count: int, by: float = 0.0) -> Floats:
        return (rng.normal(size=(count, 3)) + by) @ mixed

    if truth is None:  # equal laws at the same count take the bias away
        truth = energy.energy_distance(draw(4000, shift), draw(4000)) - energy.energy_distance(
            draw(4000), draw(4000)
        )
    covered = 0
    for _ in range(100):
        x, y, groups = draw(100, shift), draw(100), rng.permutation(np.arange(100) % 10)
        value, left_out = energy.energy_distance(x, y), energy.left_out_distances(x, y, groups)
        low, high = jackknife.interval(value, left_out, 0.95)
        covered += low - max(0.0, jackknife.bias(value, left_out)) <= truth <= high
    assert covered >= 89  # 0.95 to within three standard errors


def test_the_jackknife_takes_a_bias_of_1_over_n_away_exactly() -> None:
    left_out = 3.0 + 2.0 / np.full(20, 190)  # a figure 3 + 2 / n, of 200 rows in 20 groups
    value = 3.0 + 2.0 / 200
    assert value - jackknife.bias(value, left_out) == pytest.approx(3.0, abs=1e-12)


def test_single_precision_is_enough_for_floors() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 700, 9))
    exact = energy.energy_distance(x, y)
    assert exact < 0.03  # the floor of 700 points: a small difference of large means
    single = energy.energy_distance(x.astype(np.float32), y.astype(np.float32))
    assert single == pytest.approx(exact, rel=1e-4)
