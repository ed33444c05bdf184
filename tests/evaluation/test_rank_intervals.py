"""Ranks are as wide as the figures behind them are unsure, and cover the true rank."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from results_made_up import Result, result

from epuredgm.evaluation.summary import summarise

Resamples = dict[tuple[str, int], dict[str, Any]]


def made(
    means: dict[str, float], seeds: int, training: float, designs: float, rng: np.random.Generator
) -> tuple[list[Result], Resamples]:
    """Runs with one figure that ranks, an error in a condition, and its replicates on common resamples."""
    results, resamples = [], {}
    real = designs * rng.standard_normal((seeds, 100))
    for model, mean in means.items():
        for seed in range(seeds):
            own = designs * rng.standard_normal(101)
            value = mean + training * rng.standard_normal() + own[-1]
            results.append(result(model, seed, None, mae=value))
            resamples[model, seed] = {"conditional/adherence_width_px": value + own[:-1] + real[seed]}
    return results, resamples


def spans(results: list[Result], resamples: Resamples) -> dict[str, list[int]]:
    rows = summarise("toy", results, resamples)["all_rankings"]["conditional"]["rows"]
    for row in rows:
        assert row["rank_interval"][0] <= row["rank"] <= row["rank_interval"][1]
    return {row["model"]: row["rank_interval"] for row in rows}


def test_families_that_are_far_apart_have_one_rank_each() -> None:
    rng = np.random.default_rng(0)
    told = spans(*made({"a": 10.0, "b": 20.0, "c": 30.0}, 3, 0.1, 0.1, rng))
    assert told == {"a": [1, 1], "b": [2, 2], "c": [3, 3]}


@pytest.mark.parametrize(("training", "designs"), [(1.0, 0.01), (0.01, 1.0)])
def test_families_that_are_alike_may_have_any_rank(training: float, designs: float) -> None:
    rng = np.random.default_rng(1)
    told = spans(*made(dict.fromkeys("abcd", 10.0), 3, training, designs, rng))
    assert sum(high - low for low, high in told.values()) >= 8


def test_seeds_that_differ_more_than_designs_widen_ranks() -> None:
    means = {"a": 10.0, "b": 11.0}
    sure = spans(*made(means, 3, 0.01, 0.05, np.random.default_rng(2)))
    wide = spans(*made(means, 3, 3.0, 0.05, np.random.default_rng(2)))
    assert sure == {"a": [1, 1], "b": [2, 2]} and wide == {"a": [1, 2], "b": [1, 2]}


def test_true_ranks_are_covered() -> None:
    rng = np.random.default_rng(3)
    means = {"a": 10.0, "b": 11.0, "c": 12.5}
    covered = []
    for _ in range(20):
        told = spans(*made(means, 3, 1.0, 0.3, rng))
        covered += [told[model][0] <= rank <= told[model][1] for rank, model in enumerate("abc", 1)]
    assert np.mean(covered) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / len(covered))


def test_without_replicates_the_interval_of_a_run_takes_their_place() -> None:
    results = [result(model, 0, None, mae=value) for model, value in (("a", 1.0), ("b", 1.1))]
    assert spans(results, {}) == {"a": [1, 2], "b": [1, 2]}
    for each in results:
        each["modes"]["conditional"]["adherence"]["conditions"]["width_px"]["mae"]["interval"] = None
    rows = summarise("toy", results)["all_rankings"]["conditional"]["rows"]
    assert [row["rank_interval"] for row in rows] == [None, None]


def test_one_family_alone_has_no_rank_interval() -> None:
    summary = summarise("toy", [result("a", 0, 1.0, mae=1.0)])
    assert summary["rankings"][0]["rank_interval"] is None


def test_the_order_of_reading_changes_nothing() -> None:
    results, resamples = made({"a": 10.0, "b": 10.5, "c": 11.0}, 3, 1.0, 0.3, np.random.default_rng(4))
    assert spans(results, resamples) == spans(results[::-1], resamples)
