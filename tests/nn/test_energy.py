"""The energy distance is a distance of laws; the energy score is least for draws from the right one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.nn.energy import energy_distance, energy_score


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


def test_the_score_of_rows_agrees_with_brute_force() -> None:
    rng = torch.Generator().manual_seed(0)
    real, one, two = (torch.randn(4, 5, generator=rng) for _ in range(3))
    for row, score in enumerate(energy_score(real, one, two)):
        x, y, other = real[row], one[row], two[row]
        brute = ((x - y).norm() + (x - other).norm()) / 2 - (y - other).norm() / 2
        assert float(score) == pytest.approx(float(brute), abs=1e-4)


@pytest.mark.parametrize("wrong", [0.0, 0.5, 2.0])
def test_the_score_is_least_for_draws_from_the_right_law(wrong: float) -> None:
    """Not for draws at the mean (0), too narrow or too wide."""
    rng = torch.Generator().manual_seed(1)
    real, one, two = (torch.randn(20_000, 2, generator=rng) for _ in range(3))
    right = energy_score(real, one, two).mean()
    assert energy_score(real, wrong * one, wrong * two).mean() > right + 0.02


def test_the_score_of_equal_rows_has_a_gradient() -> None:
    rows = torch.zeros(2, 3, requires_grad=True)
    energy_score(rows, rows, rows).sum().backward()
    assert rows.grad is not None
    assert torch.isfinite(rows.grad).all()
