"""The energy distance is that of all pairs, scipy's on a line, 0 for equal sets; its jackknife is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cdist

from epuredgm.evaluation import energy

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


def test_single_precision_is_enough_for_floors() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 700, 9))
    exact = energy.energy_distance(x, y)
    assert exact < 0.03  # the floor of 700 points: a small difference of large means
    assert energy.energy_distance(x.astype(np.float32), y.astype(np.float32)) == pytest.approx(
        exact, rel=1e-4
    )
