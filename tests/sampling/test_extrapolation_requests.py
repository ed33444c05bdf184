"""Conditions beyond the training range: one at a time, evenly, from below it to above it, and no further."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sampling_fakes as fakes
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.core.errors import BadRequest, UnsupportedMode
from epuredgm.core.jobs import Mode
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.measure import attainable, mirrored_height, mirrored_width
from epuredgm.sampling.requests import extrapolation

MEASURE = "epuredgm.data.measure.mirrored_"


def spec(height: int = 200, width: int = 100) -> DataSpec:
    """A width and a height that can be measured, and between them something that cannot."""
    conditions = (
        Condition("wide", "px", MEASURE + "width"),
        Condition("heavy"),
        Condition("high", "px", MEASURE + "height"),
    )
    return replace(fakes.spec(), height=height, width=width, conditions=conditions)


def designs(of: DataSpec, count: int = 40) -> Designs:
    return fakes.designs(of, count, images=fakes.Forbidden())


def train_range(known: Designs, k: int) -> tuple[float, float]:
    values = known.conditions[known.train, k]
    return float(values.min()), float(values.max())


@given(st.integers(1, 90), st.integers(0, 3), st.sampled_from([0.0, 0.25, 0.5]))
def test_each_measurable_condition_in_turn_is_swept_evenly_and_the_others_are_those_of_a_test_row(
    count: int, seed: int, beyond: float
) -> None:
    asked = extrapolation(spec(), designs(spec()), count, seed, beyond)
    known = designs(spec())
    assert (asked.mode, asked.known, len(asked)) == (Mode.EXTRAPOLATION, None, count)
    assert not asked.given.any() and set(asked.ids.tolist()) <= {""}
    assert asked.conditions is not None
    rows = known.conditions[~known.train]
    for turn, k in enumerate((0, 2)):
        own = asked.conditions[turn::2]
        low, high = train_range(known, k)
        reach = beyond * (high - low)
        np.testing.assert_allclose(own[:, k], np.linspace(low - reach, high + reach, len(own)))
        others = [j for j in range(3) if j != k]
        for line in own[:, others]:
            assert (rows[:, others] == line).all(axis=1).any()


def test_nothing_is_asked_for_that_no_picture_can_show() -> None:
    narrow = spec(height=58, width=27)
    known = designs(narrow)
    known = replace(known, conditions=np.clip(known.conditions, 40, 54))
    asked = extrapolation(narrow, known, 60, 0, 2.0).conditions
    assert asked is not None
    for turn, k in enumerate((0, 2)):
        low, high = train_range(known, k)
        least, most = attainable(narrow.conditions[k], 58, 27)
        assert asked[turn::2, k].max() == min(most, high + 2 * (high - low)) == most
        assert asked[turn::2, k].min() == max(least, low - 2 * (high - low))


def test_what_was_seen_in_training_is_asked_for_even_if_no_picture_can_show_it() -> None:
    tiny = spec(height=6, width=4)  # at most 8 wide and 7 high; trained around 50
    known = designs(tiny)
    asked = extrapolation(tiny, known, 20, 0, 0.25).conditions
    assert asked is not None
    low, high = train_range(known, 0)
    assert asked[::2, 0].max() == high and asked[::2, 0].min() < low


def test_equal_seeds_ask_alike_and_a_condition_that_cannot_be_measured_is_none() -> None:
    first, again, other = (
        extrapolation(spec(), designs(spec()), 30, seed, 0.25).conditions for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert first is not None and other is not None and (first != other).any()
    with pytest.raises(UnsupportedMode, match="measured"):
        extrapolation(fakes.spec(), designs(fakes.spec()), 5, 0, 0.25)


def test_a_measure_keeps_to_the_range_that_it_declares() -> None:
    height, width = 9, 5
    pictures = np.zeros((3, 1, height, width), dtype=np.uint8)
    pictures[0] = 1  # the whole picture, one pixel, and two far corners
    pictures[1, 0, 4, 2] = pictures[2, 0, 0, 0] = pictures[2, 0, -1, -1] = 1
    for side, measure in (("width", mirrored_width), ("height", mirrored_height)):
        least, most = attainable(Condition(side, "px", MEASURE + side), height, width)
        found = measure(pictures)
        assert (found.min(), found.max()) == (least, most)


def test_only_functions_of_this_package_measure() -> None:
    with pytest.raises(BadRequest, match=r"os\.getcwd"):
        attainable(Condition("x", "", "os.getcwd"), 1, 1)
