"""The energy distance is a distance: 0 for equal sets only, of closed form for points, blind to order."""

from __future__ import annotations

import pytest
import torch
from epuredgm.nn.energy_distance import energy_distance
from hypothesis import given, settings
from hypothesis import strategies as st


@given(seed=st.integers(0, 999), count=st.integers(1, 9), other=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_it_is_symmetric_and_never_negative(seed: int, count: int, other: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    one, two = torch.randn(count, 3, generator=rng), torch.randn(other, 3, generator=rng)
    assert energy_distance(one, two) >= -1e-4
    torch.testing.assert_close(energy_distance(one, two), energy_distance(two, one))
    assert abs(float(energy_distance(one, one.flip(0)))) < 1e-4


def test_of_two_points_it_is_twice_their_distance() -> None:
    assert float(energy_distance(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))) == pytest.approx(10.0)


def test_it_falls_when_the_draws_come_closer_in_law() -> None:
    rng = torch.Generator().manual_seed(0)
    real, draws = torch.randn(400, 2, generator=rng), torch.randn(400, 2, generator=rng)
    near, shifted, collapsed = draws, draws + 1, 0.05 * draws
    assert energy_distance(real, near) < energy_distance(real, shifted) / 10
    assert energy_distance(real, near) < energy_distance(real, collapsed) / 10
