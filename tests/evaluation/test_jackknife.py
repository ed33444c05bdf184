"""The jackknife is exact where theory says so, and covers where it can be simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import t as student

from epuredgm.evaluation import jackknife
from epuredgm.evaluation.view import jackknife_groups

Floats = NDArray[np.float64]


def left_out_means(values: Floats, groups: NDArray[np.int64]) -> Floats:
    return np.array([values[groups != g].mean() for g in range(int(groups.max()) + 1)])


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=30).filter(lambda x: np.std(x) > 1e-3))
def test_leaving_out_single_rows_gives_a_means_variance_exactly(content: list[float]) -> None:
    values = np.array(content)
    spread = jackknife.replicates(values.mean(), left_out_means(values, np.arange(len(values))))
    assert spread.std(ddof=1) ** 2 == pytest.approx(values.var(ddof=1) / len(values), rel=1e-6)


@given(st.integers(2, 12), st.integers(1, 9), st.integers(0, 2**31))
def test_leaving_out_groups_gives_the_variance_of_the_mean_of_their_means(
    groups: int, size: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values, group = rng.normal(size=groups * size), np.repeat(np.arange(groups), size)
    means = np.array([values[group == g].mean() for g in range(groups)])
    left_out = left_out_means(values, group)
    assert jackknife.replicates(0.0, left_out).std(ddof=1) ** 2 == pytest.approx(means.var(ddof=1) / groups)
    formula = (groups - 1) / groups * ((left_out - left_out.mean()) ** 2).sum()  # Shao and Tu 1995, 2.3
    assert jackknife.replicates(0.0, left_out).std(ddof=1) ** 2 == pytest.approx(formula)


def test_replicates_lie_around_the_value_and_the_interval_is_theirs() -> None:
    left_out = np.random.default_rng(0).normal(size=20)
    spread = jackknife.replicates(70.0, left_out)
    assert spread.mean() == pytest.approx(70.0)
    low, high = jackknife.interval(70.0, left_out, 0.95)
    assert (low + high) / 2 == pytest.approx(70.0)
    assert high - low == pytest.approx(2 * student.ppf(0.975, df=19) * spread.std(ddof=1))


def test_an_interval_is_cut_where_the_figure_cannot_lie() -> None:
    left_out = np.array([-5.0, 5.0])
    assert jackknife.interval(0.1, left_out, 0.95)[0] == 0
    assert jackknife.interval(0.1, left_out, 0.95, lowest=-math.inf)[0] < -1


def test_groups_are_as_equal_as_they_can_be_and_never_more_than_rows() -> None:
    for count, groups in ((100, 20), (101, 20), (7, 20), (1, 20)):
        sizes = np.bincount(jackknife_groups(np.random.default_rng(0), count, groups))
        assert len(sizes) == min(groups, count)
        assert sizes.sum() == count and sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("figure", ["mean", "spread", "correlation"])
def test_intervals_cover_as_often_as_they_say(figure: str) -> None:
    rng = np.random.default_rng(0)
    truth, trials, covered = {"mean": 0.0, "spread": 1.0, "correlation": 0.6}[figure], 300, 0
    for _ in range(trials):
        x = rng.normal(size=200)
        y = 0.6 * x + 0.8 * rng.normal(size=200)

        def value(rows: NDArray[np.bool_], x: Floats = x, y: Floats = y) -> float:
            if figure == "correlation":
                return float(np.corrcoef(x[rows], y[rows])[0, 1])
            return float(x[rows].mean() if figure == "mean" else x[rows].std(ddof=1))

        groups = jackknife_groups(rng, 200, 20)
        left_out = np.array([value(groups != g) for g in range(20)])
        low, high = jackknife.interval(value(groups >= 0), left_out, 0.95, lowest=-math.inf)
        covered += low <= truth <= high
    assert 0.90 <= covered / trials <= 0.98  # 0.95 to within four standard errors
