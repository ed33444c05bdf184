"""Intervals of differences cover what they promise; shared designs narrow them; the unlike is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from results_made_up import Result, result
from scipy import stats

from epuredgm.evaluation.differences import paired_interval
from epuredgm.evaluation.distances import Line
from epuredgm.evaluation.resampling import bootstrap_counts, weighted_means
from epuredgm.evaluation.summary import summarise

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, Floats], Floats]

COUNT, RESAMPLES, TRIALS = 120, 150, 150


def distance(generated: Floats, real: Floats, weights: tuple[Any, Any]) -> tuple[float, Floats]:
    line = Line(generated, real)
    return float(line.distance()[0]), line.spread(*weights)[0]


def mean_error(generated: Floats, real: Floats, weights: tuple[Any, Any]) -> tuple[float, Floats]:
    error = np.abs(generated - real)
    return float(error.mean()), weighted_means(weights[0], error)


def normal(shift: float, scale: float = 1.0) -> Draw:
    """A generator that has not seen the real designs."""
    return lambda rng, real: shift + scale * rng.standard_normal(len(real))


def answer(shift: float, noise: float) -> Draw:
    """A generator that was asked for the real designs' conditions."""
    return lambda rng, real: real + shift + noise * rng.standard_normal(len(real))


CASES = {
    "distances, equal laws": (distance, normal(0.0), normal(0.0), False),
    "distances, one at the floor": (distance, normal(0.0), normal(0.3), False),
    "distances, both far": (distance, normal(0.5), normal(0.6), False),
    "distances, opposite sides": (distance, normal(1.0), normal(-1.0), False),
    "distances, paired": (distance, answer(0.2, 0.3), answer(0.3, 0.3), True),
    "means, paired": (mean_error, answer(0.0, 0.5), answer(0.3, 0.5), True),
}


def trials(figure: Callable[..., tuple[float, Floats]], a: Draw, b: Draw, paired: bool) -> Floats:
    """(T, 4): the observed difference, its interval, and the error of unpaired subtraction."""
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(TRIALS):
        real = rng.standard_normal(COUNT)
        first = bootstrap_counts(rng, COUNT, RESAMPLES)
        weights = (first, first if paired else bootstrap_counts(rng, COUNT, RESAMPLES))
        (x, again_x), (y, again_y) = (figure(side(rng, real), real, weights) for side in (a, b))
        interval = paired_interval(again_x, again_y, x - y, 0.95)
        assert interval is not None
        rows.append([x - y, *interval, float(np.hypot(again_x.std(ddof=1), again_y.std(ddof=1)))])
    return np.array(rows)


@pytest.mark.parametrize("name", CASES)
def test_intervals_cover_the_expected_difference(name: str) -> None:
    observed, low, high, _ = trials(*CASES[name]).T
    expected = observed.mean()
    covered = ((low <= expected) & (expected <= high)).mean()
    assert covered > 0.95 - 3 * np.sqrt(0.95 * 0.05 / TRIALS)


def test_shared_designs_make_them_narrower() -> None:
    """Two generators that miss on the same side are judged by the same real designs."""
    for a, b in ((normal(0.5), normal(0.6)), (normal(1.0), normal(1.0))):
        _, low, high, unpaired = trials(distance, a, b, False).T
        assert ((high - low) / 2).mean() < 0.85 * 1.96 * unpaired.mean()


def test_shared_rows_make_means_narrower() -> None:
    """Two models that find the same rows hard."""
    rng = np.random.default_rng(0)
    hard = rng.exponential(1.0, COUNT)
    weights = bootstrap_counts(rng, COUNT, RESAMPLES)
    a, b = (weighted_means(weights, hard + 0.1 * rng.standard_normal(COUNT)) for _ in range(2))
    interval = paired_interval(a, b, 0.0, 0.95)
    assert interval is not None
    assert interval[1] - interval[0] < 0.3 * 2 * 1.96 * np.hypot(a.std(ddof=1), b.std(ddof=1))


# in summaries -----------------------------------------------------------------------------------------------


def rows_of(results: list[Result], resamples: dict[tuple[str, int], dict[str, Any]]) -> tuple[Any, str]:
    summary = summarise("toy", results, resamples)
    return summary["differences"].get("unconditional", {}).get("rce"), "\n".join(summary["warnings"])


def test_one_common_seed_takes_the_replicates() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 50)).astype(np.float32)
    resamples = {("a", 0): {"unconditional/rce": a}, ("b", 0): {"unconditional/rce": b}}
    rows, warnings = rows_of([result("a", 0, 0.5), result("b", 0, 0.2)], resamples)
    error = (a.astype(float) - b.astype(float)).std(ddof=1)
    reach = stats.t.ppf(0.975, 49) * error
    p = pytest.approx(2 * stats.t.sf(0.3 / error, 49))
    assert rows == [
        {
            "a": "a",
            "b": "b",
            "difference": pytest.approx(0.3),
            "interval": pytest.approx([0.3 - reach, 0.3 + reach]),
            "num_seeds": 1,
            "noise": "sampling",
            "p": p,
            "p_adjusted": p,
            "differ": None,
        }
    ]
    assert not warnings


def test_several_common_seeds_take_students_interval() -> None:
    values = {"a": [0.5, 0.7, 0.9], "b": [0.3, 0.2, 0.5]}
    results = [result(model, seed, v) for model, own in values.items() for seed, v in enumerate(own)]
    rows, _ = rows_of([*results, result("a", 9, 5.0)], {})  # a seed of one model alone has no difference
    gaps = np.subtract(values["a"], values["b"])
    low, high = stats.t.interval(0.95, 2, gaps.mean(), stats.sem(gaps))
    assert rows[0]["num_seeds"] == 3 and rows[0]["difference"] == pytest.approx(gaps.mean())
    assert rows[0]["interval"] == pytest.approx([low, high])


def test_what_was_made_otherwise_has_no_difference_and_a_warning() -> None:
    same = {(model, 0): {"unconditional/rce": np.arange(9.0)} for model in "ab"}
    shorter = {**same, ("b", 0): {"unconditional/rce": np.arange(5.0)}}
    rows, warnings = rows_of([result("a", 0, 0.5), result("b", 0, 0.2)], shorter)
    assert rows is None and "resampled differently often" in warnings
    other = result("b", 0, 0.2)
    other["modes"]["unconditional"]["counts"] = {**other["modes"]["unconditional"]["counts"], "compared": 49}
    rows, warnings = rows_of([result("a", 0, 0.5), other], same)
    assert rows is None and "different real designs" in warnings
