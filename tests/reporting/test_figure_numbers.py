"""Numbers on charts: their writing, their scale, and labels that keep their distance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.reporting.figures.numbers import numbers, scale_for, spread, written

FINITE = st.floats(-1e3, 1e3)


@given(st.floats(-1e12, 1e12, allow_subnormal=False))
def test_a_number_is_written_to_half_a_unit_of_its_third_digit(value: float) -> None:
    text = written(value).replace("−", "-").replace(",", "")
    read = float(text.removesuffix(" M").replace(" M", "")) * 1e6 ** text.count(" M")
    # below 1e-4 two digits are written
    assert read == pytest.approx(value, rel=0.051 if abs(value) < 1e-4 else 0.0051, abs=1e-300)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (1234.5, "1,234"), (-3.0, "−3"), (0.0, "0"), (None, "–"), (math.nan, "–")],
)
def test_numbers_are_written_as_people_write_them(value: float | None, text: str) -> None:
    assert written(value) == text


def test_numbers_of_a_column_keep_their_zeros() -> None:
    assert [written(value, pad=True) for value in (0.99, 0.999, 1.0)] == ["0.990", "0.999", "1.00"]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 100], "linear"),
        ([1, 101], "log"),
        ([0, 1, 101], "symlog"),
        ([-1, 101], "symlog"),
        ([0, 0], "linear"),
        ([None, math.nan], "linear"),
        ([], "linear"),
    ],
)
def test_more_than_two_decades_get_a_logarithmic_axis(values: list[float | None], scale: str) -> None:
    assert scale_for(values) == scale


@given(st.lists(FINITE, min_size=1, max_size=12), st.floats(0.01, 50))
def test_labels_keep_their_distance_and_their_order(wanted: list[float], gap: float) -> None:
    places = spread(wanted, gap, -2000, 2000)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(np.array(places)[order]) >= gap * (1 - 1e-6) - 1e-9).all()
    assert min(places) >= -2000 and max(places) <= 2000


@given(st.lists(FINITE, min_size=1, max_size=12), st.floats(0.01, 50), st.integers(0, 2**32 - 1))
def test_labels_are_moved_no_more_than_needed(wanted: list[float], gap: float, seed: int) -> None:
    """No other places at this distance and in this order are nearer to those wanted, by least squares."""
    places = np.array(spread(wanted, gap, -5000, 5000))
    order = np.argsort(wanted, kind="stable")
    own, target = places[order], np.array(wanted)[order]
    rng = np.random.default_rng(seed)
    for step in (0.01, 1.0, 30.0):
        other = np.sort(own + rng.normal(0, step, len(own)))
        other = np.maximum.accumulate(other - gap * np.arange(len(own))) + gap * np.arange(len(own))
        assert ((own - target) ** 2).sum() <= ((other - target) ** 2).sum() + 1e-6


def test_what_is_no_number_is_left_out() -> None:
    assert numbers([1, None, math.nan, math.inf, 2.5]) == [1.0, 2.5]
