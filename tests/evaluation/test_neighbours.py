"""Nearest designs agree with a loop over all pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.evaluation import neighbours


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**31))
def test_neighbours_are_those_of_a_loop_over_all_pairs(n: int, m: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    here, there = (rng.random((count, 2, 3, 4)) < 0.4 for count in (n, m))
    brute = [[int((a != b).sum()) for b in there] for a in here]
    before, neighbours.ROWS = neighbours.ROWS, rows  # blocks of any size
    try:
        distances, indices = neighbours.nearest(here, there)
        assert neighbours.nearest_distances(here, there).tolist() == distances.tolist()
    finally:
        neighbours.ROWS = before
    assert distances.tolist() == [min(row) for row in brute]
    assert indices.tolist() == [row.index(min(row)) for row in brute]  # of equally near ones the first
