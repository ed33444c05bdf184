"""Nearest designs agree with a loop over all pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.evaluation import neighbours


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**31))
def test_distances_are_those_of_a_loop_over_all_pairs(n: int, m: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    here, there = (rng.random((count, 2, 3, 4)) < 0.4 for count in (n, m))
    brute = [min(int((a != b).sum()) for b in there) for a in here]
    before, neighbours.ROWS = neighbours.ROWS, rows  # blocks of any size
    try:
        distances, places = neighbours.nearest(here, there)
    finally:
        neighbours.ROWS = before
    assert distances.tolist() == neighbours.nearest_distances(here, there).tolist() == brute
    assert [int((a != there[k]).sum()) for a, k in zip(here, places, strict=True)] == brute


@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 2**31))
def test_designs_are_of_one_kind_if_and_only_if_they_are_equal(count: int, width: int, seed: int) -> None:
    designs = np.random.default_rng(seed).random((count, 1, 2, width)) < 0.5
    kinds = neighbours.kinds(designs)
    for a, b in np.ndindex(count, count):
        assert (kinds[a] == kinds[b]) == np.array_equal(designs[a], designs[b])
