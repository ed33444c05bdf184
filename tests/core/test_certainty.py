"""One rule for bold, one for ``±``, and words that say no more than is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.core.certainty import (
    BOTH,
    MIXED,
    SAMPLING,
    best_of,
    bias_in_words,
    legend,
    legend_of,
    noise_in,
    rank_span,
    reach,
)

values_of_models = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 3).map(float), min_size=1)
ways = st.sampled_from(["lower", "higher", "neither"])


def row(a: str, b: str, differ: bool | None) -> dict[str, Any]:
    return {"a": a, "b": b, "differ": differ}


@given(
    values_of_models, ways, st.dictionaries(st.sampled_from("abcde"), st.sampled_from([True, False, None]))
)
def test_bold_is_the_best_and_what_is_not_told_apart_from_it(
    values: dict[str, float], better: str, told: dict[str, bool | None]
) -> None:
    best = min(values, key=lambda model: values[model] * (-1 if better == "higher" else 1))
    pairs = [
        row(model, best, differ)
        for model, differ in told.items()
        if values.get(model, values[best]) != values[best]
    ]
    bold = best_of(values, better, pairs)
    apart = {pair["a"] for pair in pairs if pair["differ"]} & set(values)
    if better == "neither" or not apart:
        assert not bold
    else:
        assert bold == set(values) - apart and best in bold


@settings(max_examples=25)
@given(values_of_models, ways)
def test_one_training_each_makes_nothing_bold(values: dict[str, float], better: str) -> None:
    pairs = [row(a, b, None) for a in values for b in values if a < b]
    assert not best_of(values, better, pairs)


def test_plus_minus_covers_the_whole_interval() -> None:
    assert reach(1.0, [0.9, 1.3]) == pytest.approx(0.3)
    assert reach(1.0, [1.0, 1.0]) is reach(1.0, None) is reach(None, [0, 1]) is reach(1.0, [None, 1]) is None


@pytest.mark.parametrize(
    ("runs", "noise"),
    [([1, 1], SAMPLING), ([3, 1], SAMPLING), ([3, 3], BOTH), ([3, 3, 1], MIXED), ([], SAMPLING)],
)
def test_noise_is_that_of_the_runs(runs: list[int], noise: str) -> None:
    about = {str(k): {"num_runs": count} for k, count in enumerate(runs)}
    assert noise_in(about.values()) == noise
    assert ("sampling noise only" in legend(0.95, noise)) == (noise != BOTH)
    assert legend(0.9, noise) in legend_of({"confidence": 0.9, "noise": noise})
    assert legend_of({"model_aggregates": about})  # of an older summary


SIGNS = {"below": "px too narrow", "above": "px too wide"}


@pytest.mark.parametrize(
    ("mean", "interval", "about", "words"),
    [
        (-0.94, [-1.0, -0.8], SIGNS, "0.94 px too narrow"),
        (0.02, [-0.1, 0.1], SIGNS, "0.02 px too wide, not told from 0"),
        (3.0, None, {}, "3 too high"),
        (0.0, [0.0, 0.0], SIGNS, "none"),
        (None, None, SIGNS, ""),
    ],
)
def test_a_bias_says_which_way_it_goes(
    mean: float | None, interval: list[float | None] | None, about: dict[str, str], words: str
) -> None:
    assert bias_in_words(mean, interval, about) == words


def test_a_rank_shows_where_it_may_lie() -> None:
    assert (rank_span([1, 3]), rank_span([2, 2]), rank_span(None)) == ("1–3", "", "")
