"""Sets of points are taken from a case fairly, and their figures have honest floors and intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from epuredgm.core.spec import DataSpec
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import Draws
from epuredgm.evaluation.view import View

Floats = NDArray[np.float64]
MakeCase = Callable[..., Case]


def points(population: Population) -> Floats:
    """Two numbers of each design: its conditions."""
    return population.conditions


def gap(x: Floats, y: Floats) -> float:
    return float(abs(x.mean() - y.mean()))


@pytest.fixture
def make_case(spec: DataSpec) -> MakeCase:
    """A case of designs without images that matter, known by their conditions alone."""

    def build(generated: Floats, real: Floats, train: Floats, test: Floats, **changes: object) -> Case:
        def population(rows: Floats) -> Population:
            return Population(np.zeros((len(rows), 3, 2, 2), np.uint8), "binary", rows, ("a", "b"))

        draws = Draws.make(
            len(generated), len(train), len(test), bootstrap=10, floor_repeats=50, paired=False, seed=0
        )
        case = Case(
            spec=spec,
            generated=population(generated),
            real=population(real),
            given=np.zeros((len(generated), 3), dtype=bool),
            train=population(train),
            test=population(test),
            paired=False,
            completions=(),
            draws=draws,
            confidence=0.95,
            jackknife_groups=20,
            seed=5,
            extractors={},
            missing={},
            memory={},
        )
        return replace(case, **changes)

    return build


def normal(count: int, seed: int, shift: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(shift, 1, (count, 2))


def test_rows_stay_in_order_and_pools_are_whole(make_case: MakeCase) -> None:
    sides = [normal(n, seed) for seed, n in enumerate((40, 40, 100, 60))]
    view = make_case(*sides).view(points)
    for found, expected in zip((view.generated, view.real, view.train, view.test), sides, strict=True):
        assert np.array_equal(found, expected) and found.dtype == np.float64
    assert len(view) == 40


def test_real_rows_without_coordinates_are_replaced_and_both_sides_stay_equally_many(
    make_case: MakeCase,
) -> None:
    generated, real, train, test = (normal(n, seed) for seed, n in enumerate((40, 40, 100, 60)))
    real[3], train[:10], test[:30] = np.nan, np.nan, np.nan
    view = make_case(generated, real, train, test).view(points)
    assert len(view.train) == 90 and len(view.test) == 30
    assert len(view) == len(view.real) == len(view.groups) == 30  # no more real ones have coordinates
    assert np.array_equal(view.generated, generated[:30])
    rows = {tuple(row) for row in test[30:]}
    assert {tuple(row) for row in view.real} == rows  # each of them once
    again = make_case(generated, real, train, test).view(points)
    assert np.array_equal(view.real, again.real) and np.array_equal(view.groups, again.groups)


def test_equally_named_sets_of_two_families_leave_out_the_same_rows(make_case: MakeCase) -> None:
    real, train, test = (normal(n, seed) for seed, n in enumerate((40, 100, 60)))
    one, two = (make_case(normal(40, seed), real, train, test).view(points) for seed in (7, 8))
    assert np.array_equal(one.groups, two.groups)
    other = make_case(normal(40, 7), real, train, test, seed=6).view(points)
    assert not np.array_equal(one.groups, other.groups)


def test_each_row_is_left_out_once() -> None:
    nothing = np.empty((7, 1))
    view = View(nothing, nothing, nothing, nothing, np.array([0, 2, 1, 0, 2, 1, 0]), 3)
    assert view.kept().shape == (3, 7)
    assert ((~view.kept()).sum(axis=0) == 1).all()


def test_scaled_points_are_train_deviations_and_constant_axes_are_only_centred(make_case: MakeCase) -> None:
    sides = [normal(50, seed) * [10, 0] + [3, 8] for seed in range(4)]
    view = make_case(*sides).view(points).scaled()
    assert view.train.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert view.train.std(axis=0) == pytest.approx([1, 0], abs=1e-12)
    assert view.generated[:, 0] == pytest.approx(
        (sides[0] - sides[2].mean(axis=0))[:, 0] / sides[2].std(axis=0)[0]
    )


def test_the_floor_is_train_against_test_at_the_views_count(make_case: MakeCase) -> None:
    seen = []

    def watched(x: Floats, y: Floats) -> float:
        seen.append((x, y))
        return gap(x, y)

    case = make_case(normal(30, 0), normal(30, 1), normal(200, 2, shift=5), normal(100, 3))
    view = case.view(points)
    floors = case.floors(view, watched)
    assert len(floors) == len(seen) == view.repeats == 50
    train, test = ({tuple(row) for row in pool} for pool in (view.train, view.test))
    for x, y in seen:
        assert {tuple(row) for row in x} < train and {tuple(row) for row in y} < test
        assert len(np.unique(x, axis=0)) == len(np.unique(y, axis=0)) == 30
    assert floors.mean() == pytest.approx(5, abs=0.3)
    assert np.array_equal(floors, case.floors(view, gap))
    several = case.floors(view, lambda x, y: np.array([gap(x, y), 1.0]))
    assert np.array_equal(several[:, 0], floors) and (several[:, 1] == 1).all()


def test_all_families_of_a_study_have_one_floor(make_case: MakeCase) -> None:
    real, train, test = (normal(n, seed) for seed, n in enumerate((30, 200, 100)))
    cases = [make_case(normal(30, s, shift=s), real, train, test, seed=s) for s in (4, 5)]
    floors = [case.of_sets(case.view(points), gap)["floor"] for case in cases]
    assert floors[0] == floors[1]


def test_a_figure_of_sets_has_the_jackknifes_error(make_case: MakeCase) -> None:
    generated, real = normal(200, 0, shift=1), normal(200, 1)
    case = make_case(generated, real, normal(300, 2), normal(300, 3))
    figure = case.of_sets(case.view(points), gap)
    assert figure["value"] == pytest.approx(gap(generated, real))
    means = generated.mean(axis=1) - real.mean(axis=1)
    error = figure.replicates().std(ddof=1)
    assert error == pytest.approx(means.std(ddof=1) / np.sqrt(200), rel=0.5)
    low, high = figure["interval"]
    assert low < 1 < high
    assert figure["ratio"] == pytest.approx(figure["value"] / figure["floor"]["mean"])


def test_left_out_values_from_elsewhere_are_used_as_they_are(make_case: MakeCase) -> None:
    case = make_case(*(normal(100, seed) for seed in range(4)))
    view = case.view(points)
    left_out = np.array([gap(view.generated[rows], view.real[rows]) for rows in view.kept()])
    assert case.of_sets(view, gap, left_out) == case.of_sets(view, gap)
    assert case.of_sets(view, gap, left_out + np.arange(20)) != case.of_sets(view, gap)


@pytest.mark.parametrize("count", [1, 2])
def test_sets_too_small_for_an_interval_have_no_figure_but_a_reason(make_case: MakeCase, count: int) -> None:
    case = make_case(*(normal(n, seed) for seed, n in enumerate((count, count, 50, 50))))
    figure = case.of_sets(case.view(points), gap)
    assert figure["value"] is None and "too few" in figure["reason"]


def test_pools_too_small_for_a_floor_leave_a_figure_without_one(make_case: MakeCase) -> None:
    case = make_case(*(normal(n, seed) for seed, n in enumerate((30, 30, 1, 50))))
    figure = case.of_sets(case.view(points), gap)
    assert figure["value"] is not None and figure["floor"] is figure["ratio"] is None


def test_an_extractor_that_is_not_there_is_no_view_and_a_reason(make_case: MakeCase) -> None:
    case = make_case(*(normal(20, seed) for seed in range(4)), missing={"domain": "too little data"})
    assert case.through("domain") is None
    assert case.why_not("domain") == "too little data"
    assert "inception" in case.why_not("inception")
