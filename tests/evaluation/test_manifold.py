"""Precision, recall, density and coverage agree with loops over points, and with torch-fidelity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epuredgm.evaluation import manifold
from epuredgm.evaluation.manifold import manifold_figures, radii

Floats = NDArray[np.float64]


def brute(real: Floats, generated: Floats, k: int) -> list[float]:
    """The definitions, one pair of points at a time."""

    def apart(a: Floats, b: Floats) -> float:
        return float(((a - b) ** 2).sum())

    def reach(points: Floats) -> list[float]:
        return [
            sorted(apart(p, q) for j, q in enumerate(points) if j != i)[k - 1] for i, p in enumerate(points)
        ]

    balls, made = reach(real), reach(generated)
    inside = [[apart(g, r) <= ball for r, ball in zip(real, balls, strict=True)] for g in generated]
    precision = np.mean([any(row) for row in inside])
    recall = np.mean([any(apart(r, g) <= b for g, b in zip(generated, made, strict=True)) for r in real])
    coverage = np.mean([any(column) for column in zip(*inside, strict=True)])
    return [float(precision), float(recall), float(np.sum(inside) / (k * len(generated))), float(coverage)]


def whole(real: Floats, generated: Floats, k: int) -> Floats:
    return manifold_figures(real, generated, np.ones((1, len(real)), dtype=bool), k)[0]


@given(st.integers(3, 14), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31))
def test_the_figures_are_those_of_loops_over_points(n: int, d: int, k: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    real, generated = rng.integers(0, 4, (2, n, d)).astype(np.float64)  # many ties, many equal points
    k = min(k, n - 1)
    before, manifold.ROWS = manifold.ROWS, rows  # blocks of any size
    try:
        assert whole(real, generated, k).tolist() == pytest.approx(brute(real, generated, k), abs=1e-12)
    finally:
        manifold.ROWS = before


@given(st.integers(6, 40), st.integers(2, 5), st.integers(0, 4), st.integers(0, 2**31))
def test_rows_that_are_left_out_count_for_nothing(n: int, groups: int, spare: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    real, generated = rng.normal(size=(2, n, 2))
    keep = rng.permutation(np.arange(n) % groups) != np.arange(groups)[:, None]
    k = min(5, int(keep.sum(axis=1).min()) - 1)
    before, manifold.SPARE = manifold.SPARE, spare  # too few are seen at once: the long way is taken
    try:
        found = manifold_figures(real, generated, keep, k)
        reach = radii(real, keep, k)
    finally:
        manifold.SPARE = before
    for way, rows in enumerate(keep):
        assert found[way] == pytest.approx(whole(real[rows], generated[rows], k), abs=1e-12)
        alone = radii(real[rows], np.ones((1, int(rows.sum())), dtype=bool), k)[0]
        assert reach[way, rows] == pytest.approx(alone)


def test_precision_and_recall_are_those_of_torch_fidelity() -> None:
    other = pytest.importorskip("torch_fidelity.metric_prc")
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(300, 8)), 0.8 * rng.normal(size=(300, 8)) + 0.3
    for k in (1, 3, 5):
        sides = (torch.from_numpy(each) for each in (generated, real))
        expected = other.calculate_precision_recall_full(*sides, neighborhood=k)
        assert whole(real, generated, k)[:2] == pytest.approx(expected, abs=1e-6)


def test_a_set_against_itself_is_perfect_and_one_far_away_is_not_there() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    precision, recall, density, coverage = whole(points, points, 5)
    assert precision == recall == coverage == 1
    assert density == pytest.approx(6 / 5)  # each ball has its five neighbours and its own centre
    assert whole(points, points + 100, 5).tolist() == [0, 0, 0, 0]


@given(st.integers(0, 2**31))
def test_precision_one_way_is_recall_the_other_way(seed: int) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, 30, 2))
    forth, back = whole(a, b, 3), whole(b, a, 3)
    assert (forth[0], forth[1]) == (back[1], back[0])


def test_a_generator_of_one_kind_has_precision_without_recall_or_coverage() -> None:
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(size=(100, 3)) - 20, rng.normal(size=(100, 3)) + 20])
    precision, recall, density, coverage = whole(real, rng.normal(size=(200, 3)) + 20, 5)
    assert precision > 0.8 and density > 0.8
    assert recall < 0.55 and coverage < 0.55
