"""Floors are of real designs that were asked for the same; where there are none, distances have no floor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from results_made_up import of_scores

from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.measure import mirrored_height
from epuredgm.data.samples import SampleSet
from epuredgm.data.toy_shapes import render, split_channels
from epuredgm.data.toy_stream import draw
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.matching import CLOSE, Matches, match
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import averaged, scalar
from epuredgm.evaluation.summary import summarise

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
Block = dict[str, Any]

DISTANCES = ("com.overall.wasserstein", "joint.energy", "fd_geometry.distance")


@pytest.fixture(scope="module")
def tall(spec: DataSpec) -> DataSpec:
    """The toy data with one condition, of which every value is found many times."""
    return replace(spec, conditions=(spec.conditions[1],))


@pytest.fixture(scope="module")
def heights(designs: Designs) -> Designs:
    return replace(designs, conditions=designs.conditions[:, 1:], condition_names=("height_px",))


@pytest.fixture(scope="module")
def fresh() -> tuple[Images, Floats]:
    """Further toy designs, and their heights."""
    images = split_channels(render(draw(4000, 7, SILENT)[1])[0])
    return images, mirrored_height(images).astype(np.float64)


def sample(spec: DataSpec, of: Designs, images: Images, given: int | None = None) -> SampleSet:
    """Images as if they were drawn for the rows of test designs."""
    drawn, flags = images.copy(), np.zeros((len(images), spec.channels), dtype=bool)
    if given is not None:
        drawn[:, given], flags[:, given] = of.images[:, given], True
    return SampleSet(
        drawn, spec.component_names, of.conditions.astype(np.float32), of.condition_names, of.ids, flags, {}
    )


def at(block: Block, path: str) -> Any:
    for key in path.split("."):
        block = block[key]
    return block


def perfect(fresh: tuple[Images, Floats], asked: Designs, seed: int) -> Images:
    """For each row a new real design of its height."""
    rng, (images, heights) = np.random.default_rng(seed), fresh
    return images[[rng.choice(np.flatnonzero(heights == h)) for h in asked.conditions[:, 0]]]


def test_a_perfect_generator_lies_at_the_floor_of_its_own_task(
    tall: DataSpec, heights: Designs, fresh: tuple[Images, Floats]
) -> None:
    asked = heights.split("test").rows(np.arange(100))
    few = EvaluationSettings(bootstrap=10, confidence=0.95, floor_repeats=20, jackknife_groups=5)
    found = []
    for seed in range(3):
        images = perfect(fresh, asked, seed)
        free = replace(sample(tall, asked, images), ids=np.full(len(images), ""))
        found.append(
            evaluate(
                tall, heights, {"conditional": sample(tall, asked, images), "unconditional": free}, few, 0
            )["modes"]
        )
    for path in DISTANCES:
        values = [at(each["conditional"], path)["value"] for each in found]
        floor = at(found[0]["conditional"], path)["floor"]
        assert abs(np.mean(values) - floor["mean"]) < 3 * floor["std"] / np.sqrt(3) + floor["std"], path
    counts = found[0]["conditional"]["counts"]["distance_floor"]
    assert counts["kind"] == "matched" and counts["gaps"]["height_px"] < CLOSE / 50
    assert found[0]["unconditional"]["counts"]["distance_floor"] == {"kind": "random"}


def floors_of_both_kinds(tall: DataSpec, of: Designs, asked: Designs) -> list[tuple[Block, Block]]:
    """Of each distance the floor by train designs that match what was asked, and by any, of equal counts."""
    few = EvaluationSettings(bootstrap=10, confidence=0.95, floor_repeats=40, jackknife_groups=5)
    bound = sample(tall, asked, asked.images)
    free = replace(bound, ids=np.full(len(asked), ""))
    modes = evaluate(tall, of, {"conditional": bound, "unconditional": free}, few, 0)["modes"]
    kinds = [modes[mode]["counts"]["distance_floor"]["kind"] for mode in ("conditional", "unconditional")]
    assert kinds == ["matched", "random"]
    return [
        (at(modes["conditional"], path)["floor"], at(modes["unconditional"], path)["floor"])
        for path in DISTANCES
    ]


def test_designs_that_were_asked_for_the_same_lie_no_farther_than_any(
    tall: DataSpec, heights: Designs
) -> None:
    # the whole test split: both floors are against the same designs, whose own luck would hide the rest
    for together, apart in floors_of_both_kinds(tall, heights, heights.split("test")):
        noise = np.hypot(together["std"], apart["std"]) / np.sqrt(40)  # of the difference of two mean floors
        assert together["mean"] < apart["mean"] + 3 * noise


def test_where_what_was_asked_for_says_all_the_floor_is_0(tall: DataSpec, heights: Designs) -> None:
    values, first, kind = np.unique(heights.conditions[:, 0], return_index=True, return_inverse=True)
    alike = replace(heights, images=heights.images[first][kind])  # one design of each height
    test = alike.split("test")
    many = values[np.bincount(kind[alike.train]) >= 40]
    asked = test.rows(np.flatnonzero(np.isin(test.conditions[:, 0], many))[:100])
    for together, apart in floors_of_both_kinds(tall, alike, asked):
        assert together["mean"] < 1e-3 * apart["mean"]  # a root makes 1e-5 of rounding
        assert apart["mean"] > 3 * apart["std"] / np.sqrt(40)


def test_without_designs_like_the_given_component_there_is_no_floor_and_nobody_is_level(
    spec: DataSpec, designs: Designs, settings: EvaluationSettings
) -> None:
    asked = designs.split("test")
    results = []
    for model, share in (("near", 0.02), ("far", 0.06)):
        rng = np.random.default_rng(0)
        images = asked.images.copy()
        moved = rng.random(len(images)) < share
        images[moved] = np.roll(images[moved], 1, axis=3)
        sets = {name: sample(spec, asked, images, k) for k, name in enumerate(spec.component_names)}
        results.append(of_scores(model, evaluate(spec, designs, {"inpainting": sets}, settings, 0)))
    facts = results[0]["modes"]["inpainting"]["group_nc"]["counts"]["distance_floor"]
    assert facts["kind"] == "none" and facts["gaps"]["group_nc"] > CLOSE
    assert "group_nc" in facts["reason"] and "random designs" in facts["reason"]
    made = summarise("toy", results)
    assert made["floors"]["inpainting"]["kind"] == "none"
    for name in ("com_overall", "joint", "fd_geometry"):
        own = [made["tasks"]["inpainting"][model][name] for model in ("near", "far")]
        assert [each["floor"] for each in own] == [each["ratio"] for each in own] == [None, None]
        places = {row["model"]: row["places"][name] for row in made["all_rankings"]["inpainting"]["rows"]}
        assert places == {"near": 1, "far": 2}, name
    # what is of single designs has the floor of any real designs
    assert made["tasks"]["inpainting"]["near"]["valid"]["floor"] == 1


def test_an_average_has_a_floor_only_if_all_its_parts_have_one() -> None:
    with_floor, without = scalar(1.0, floors=np.array([0.5, 0.5])), scalar(2.0)
    assert averaged([{"x": with_floor}, {"x": with_floor}])["x"]["ratio"] == 2
    assert averaged([{"x": with_floor}, {"x": without}])["x"]["floor"] is None
    nothing = scalar(None, reason="none")
    assert averaged([{"x": with_floor}, {"x": nothing}])["x"]["floor"]["mean"] == 0.5


# matching ---------------------------------------------------------------------------------------------------


def population(values: Floats, names: tuple[str, ...], images: Images | None = None) -> Population:
    nothing = np.zeros((len(values), 1, 2, 2), np.uint8) if images is None else images
    return Population(nothing, "binary", values, names)


def matched(
    wanted: Floats,
    pool: Floats,
    conditions: tuple[Condition, ...],
    images: tuple[Images, Images] | None = None,
) -> Matches:
    names = tuple(each.name for each in conditions)
    asked, others = (
        population(values, names, None if images is None else images[side])
        for side, values in enumerate((wanted, pool))
    )
    given = np.array([images is not None])
    return match(asked, asked, others, given, conditions, ("part",), repeats=10)


def test_matches_have_the_very_conditions_each_once_a_draw_and_draws_differ() -> None:
    rng = np.random.default_rng(0)
    conditions = (Condition("kind", values=("a", "b", "c")), Condition("age", "years"))
    pool, wanted = (
        np.stack([rng.integers(0, 3, n), rng.integers(40, 60, n)], axis=1).astype(float) for n in (4000, 200)
    )
    found = matched(wanted, pool, conditions)
    assert found.rows is not None and found.rows.shape == (10, 200)
    for draw_of in found.rows:
        assert (pool[draw_of] == wanted).all()
        assert len(set(draw_of.tolist())) == 200
    assert (found.rows[0] != found.rows[1]).mean() > 0.8
    assert found.gaps == {"kind": 0, "age": 0}


def test_an_unknown_value_matches_only_unknown_ones() -> None:
    conditions = (Condition("age", "years", optional=True),)
    pool = np.where(np.arange(400) % 4 == 0, np.nan, 50.0 + np.arange(400) % 7)[:, None]
    found = matched(np.array([[np.nan], [52.0]]), pool, conditions)
    assert found.rows is not None
    assert np.isnan(pool[found.rows[:, 0], 0]).all() and (pool[found.rows[:, 1], 0] == 52).all()
    none = matched(np.full((2, 1), 55.0) * [[1], [np.nan]], pool[np.isfinite(pool[:, 0])], conditions)
    assert none.rows is None and "age" in none.reason


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (np.full((20, 1), 900.0), "age"),  # beyond the train range: extrapolation
        (np.linspace(0, 1, 300)[:, None], "too few"),
    ],
)
def test_where_nobody_is_like_what_was_asked_nobody_stands_in(wanted: Floats, words: str) -> None:
    pool = np.random.default_rng(0).normal(50, 10, (400, 1))
    found = matched(wanted, pool, (Condition("age", "years"),))
    assert found.rows is None and words in found.reason


def test_constant_conditions_match_and_given_components_are_found_again() -> None:
    constant = np.ones((300, 1))
    assert matched(constant[:20], constant, (Condition("age", "years"),)).rows is not None
    rng = np.random.default_rng(0)
    kinds = (rng.random((12, 1, 16, 16)) < 0.5).astype(np.uint8)
    of_pool, of_wanted = rng.integers(0, 12, 300), rng.integers(0, 12, 20)
    found = matched(constant[:20], constant, (Condition("age", "years"),), (kinds[of_wanted], kinds[of_pool]))
    assert found.rows is not None and (of_pool[found.rows] == of_wanted).all()
    assert found.gaps["part"] == 0


def test_nothing_asked_for_has_no_matches() -> None:
    found = matched(np.full((5, 1), np.nan), np.ones((100, 1)), (Condition("age", "years"),))
    assert found.rows is None and "nothing" in found.reason
