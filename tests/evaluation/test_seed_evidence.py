"""Equal families are told apart no more often than promised, however few the seeds and many the pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from epuredgm.evaluation.evidence import Evidence, Spread, holm, of_designs, of_seeds

Floats = NDArray[np.float64]

TRIALS, REPLICATES = 600, 20
FAMILIES, FIGURES = 4, 3


def beyond(rate: float, trials: int) -> float:
    """Three standard errors of a share that is ``rate`` in truth."""
    return 3 * math.sqrt(rate * (1 - rate) / trials)


def replicates(rng: np.random.Generator, error: float, shape: tuple[int, ...]) -> Floats:
    return error * rng.standard_normal((*shape, REPLICATES))


def study(
    rng: np.random.Generator, seeds: int, training: float, designs: float, shared: float
) -> tuple[Floats, Floats]:
    """(F, S) figures of equal families, and (F, S, B) replicates that imitate the draw of designs.

    Two thirds of the noise by designs is of the real ones; a part ``shared`` of the rest hits all seeds of a
    family alike, for all are held against one test split.
    """
    real = 0.8 * designs * rng.standard_normal(seeds)
    split = shared * 0.6 * designs * rng.standard_normal((FAMILIES, 1))
    own = math.sqrt(1 - shared**2) * 0.6 * designs * rng.standard_normal((FAMILIES, seeds))
    figures = training * rng.standard_normal((FAMILIES, seeds)) + real + split + own
    again = replicates(rng, 0.8 * designs, (seeds,)) + replicates(rng, 0.6 * designs, (FAMILIES, seeds))
    return figures, again


def spread_of(figures: Floats, again: Floats, a: int, b: int) -> tuple[float, Evidence]:
    gaps = figures[a] - figures[b]
    designs = [of_designs(again[a, s], again[b, s]) for s in range(len(gaps))]
    return float(gaps.mean()), of_seeds(gaps, designs)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(
    ("training", "designs", "shared"),
    [(1.0, 0.01, 0.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0), (0.0, 1.0, 1.0)],
)
def test_intervals_over_seeds_and_designs_cover_what_they_promise(
    seeds: int, training: float, designs: float, shared: float
) -> None:
    rng = np.random.default_rng(seeds)
    covered = 0
    for _ in range(TRIALS):
        mean, spread = spread_of(*study(rng, seeds, training, designs, shared), 0, 1)
        low, high = spread.interval(mean, 0.95)
        covered += low <= 0 <= high
    assert covered / TRIALS > 0.95 - beyond(0.95, TRIALS)
    if designs < training / 10:  # training alone: Student's interval, no wider than it must be
        assert covered / TRIALS < 0.95 + beyond(0.95, TRIALS)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("training", "designs"), [(1.0, 0.01), (1.0, 1.0)])
def test_no_more_than_one_study_of_equal_families_in_twenty_tells_any_two_apart(
    seeds: int, training: float, designs: float
) -> None:
    rng = np.random.default_rng(10 * seeds)
    trials = 150
    wrong = 0
    for _ in range(trials):
        p_values = []
        for _ in range(FIGURES):
            made = study(rng, seeds, training, designs, 0.5)
            for a, b in itertools.combinations(range(FAMILIES), 2):
                mean, spread = spread_of(*made, a, b)
                p_values.append(spread.p_value(mean))
        wrong += min(holm(p_values)) <= 0.05
    assert wrong / trials < 0.05 + beyond(0.05, trials)


def test_a_large_difference_is_seen_beside_many_equal_pairs() -> None:
    rng = np.random.default_rng(0)
    figures, again = study(rng, 5, 0.1, 0.1, 0.5)
    figures[0] += 8
    tests = {(a, b): spread_of(figures, again, a, b) for a, b in itertools.combinations(range(FAMILIES), 2)}
    adjusted = dict(zip(tests, holm([spread.p_value(mean) for mean, spread in tests.values()]), strict=True))
    assert all((p <= 0.05) == (0 in pair) for pair, p in adjusted.items())


def test_jackknife_groups_have_student_s_quantiles() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 20))
    spread = of_designs(a, b)
    assert spread is not None and spread.freedom == 19
    assert spread.reach(0.95) == pytest.approx(stats.t.ppf(0.975, 19) * (a - b).std(ddof=1))


def test_one_part_alone_keeps_its_degrees_of_freedom() -> None:
    values = np.array([1.0, 2.0, 4.0])
    (alone,) = of_seeds(values, [None] * 3).spreads
    assert (alone.error, alone.freedom) == (pytest.approx(stats.sem(values)), 2)
    assert of_seeds(values, [Spread(0.0, 19)] * 3).spreads == (alone, alone)
    assert of_seeds(np.ones(3), [Spread(0.5, 19)] * 3).spreads[-1] == Spread(0.5, 19)
    assert of_seeds(np.ones(3), [Spread(0.0, 19)] * 3).p_value(0.0) == 1


def test_seeds_that_agree_by_chance_are_no_surer_than_their_number_allows() -> None:
    """Beside two seeds that agree, the draw of designs alone would be taken for all there is."""
    evidence = of_seeds(np.array([0.5, 0.501]), [Spread(0.001, 19)] * 2)
    assert evidence.p_value(0.5005) >= 2 * stats.t.sf(0.5005 / 0.0005, 1)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_the_step_down_of_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, each in zip(p_values, adjusted, strict=True):
        smaller = [q for q in p_values if q <= p]
        steps = (min(1.0, (len(p_values) - k) * q) for k, q in enumerate(sorted(smaller)))
        assert each == pytest.approx(max(steps))
        assert p <= each <= min(1.0, len(p_values) * p)
