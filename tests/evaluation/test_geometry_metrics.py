"""Generators of known faults land where they should on the metrics that need no network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation import geometry
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.metrics.fd_geometry import descriptors
from epuredgm.evaluation.metrics.joint import layout
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import figures
from epuredgm.evaluation.view import View

Make = Callable[..., SampleSet]
Images = NDArray[np.uint8]
Block = dict[str, Any]


@pytest.fixture(scope="module")
def test_split(designs: Designs) -> Designs:
    return designs.split("test")


@pytest.fixture(scope="module")
def score(spec: DataSpec, designs: Designs, settings: EvaluationSettings) -> Callable[..., Block]:
    def run(samples: dict[str, Any], real: Designs = designs) -> Block:
        result = evaluate(spec, real, samples, settings, 0)
        json.dumps(result, allow_nan=False)
        return dict(result["modes"])

    return run


GENERATORS: dict[str, Callable[[Images, Images], Images]] = {
    "unseen": lambda train, _: train,
    "shuffled": lambda train, _: dealt(train),
    "half blank": lambda train, _: train * (np.arange(len(train)) % 2)[:, None, None, None].astype(np.uint8),
    "corner": lambda train, _: corner(train),
    "blank": lambda train, _: np.zeros_like(train),
    "full": lambda train, _: np.ones_like(train),
    "single": lambda train, _: np.repeat(train[:1], len(train), axis=0),
    "test": lambda _, test: test,
}


def dealt(images: Images) -> Images:
    """Components dealt anew: right marginals, wrong tyres."""
    rng = np.random.default_rng(0)
    return np.stack([images[rng.permutation(len(images)), c] for c in range(images.shape[1])], axis=1)


def corner(images: Images) -> Images:
    """A pixel of each component, as far from where real ones are as a picture allows."""
    result = np.zeros_like(images)
    result[:, :, 0, 0] = 1
    return result


@pytest.fixture(scope="module")
def found(score: Any, make: Make, designs: Designs, test_split: Designs) -> dict[str, Block]:
    """The unconditional block of every generator."""
    train = designs.split("train").images[: len(test_split)]
    return {
        name: score({"unconditional": make(draw(train, test_split.images))})["unconditional"]
        for name, draw in GENERATORS.items()
    }


def value(block: Block, key: str) -> float:
    name = {"joint": "energy", "fd_geometry": "distance"}[key]
    return float(block[key][name]["value"])


@pytest.mark.parametrize(("key", "name"), [("joint", "energy"), ("fd_geometry", "distance")])
def test_real_designs_lie_at_the_floor_and_the_test_designs_at_0(
    found: dict[str, Block], key: str, name: str
) -> None:
    figure = found["unseen"][key][name]
    assert 0 < figure["value"] <= figure["floor"]["mean"] + 4 * figure["floor"]["std"]
    assert figure["ratio"] == pytest.approx(figure["value"] / figure["floor"]["mean"])
    assert figure["interval"][0] == 0 < figure["value"] < figure["interval"][1]  # no difference is shown
    assert value(found["test"], key) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("key", ["joint", "fd_geometry"])
def test_faults_are_ordered_and_drawing_nothing_costs_more_than_drawing_anything_anywhere(
    found: dict[str, Block], key: str
) -> None:
    order = ["test", "unseen", "shuffled", "half blank", "blank"]
    values = [value(found[name], key) for name in order]
    assert values == sorted(values) and values[2] > 5 * values[1]
    assert value(found["blank"], key) > value(found["corner"], key) > value(found["shuffled"], key)
    for name in ("full", "single"):
        assert value(found[name], key) > 10 * value(found["unseen"], key)


def test_components_dealt_anew_leave_centres_at_their_floor_and_the_joint_distance_far_above_its_own(
    found: dict[str, Block],
) -> None:
    centres = found["shuffled"]["com"]["overall"]["wasserstein"]
    assert centres["value"] <= centres["floor"]["mean"] + 4 * centres["floor"]["std"]
    joint = found["shuffled"]["joint"]["energy"]
    assert joint["interval"][0] > joint["floor"]["mean"] + 10 * joint["floor"]["std"]


def test_one_component_less_costs_more_than_that_component_anywhere_and_less_than_none_at_all(
    score: Any, make: Make, designs: Designs
) -> None:
    images = designs.split("train").images[:100]
    empty, misplaced = images.copy(), images.copy()
    empty[:, 1], misplaced[:, 1] = 0, corner(images)[:, 1]
    blocks = [
        score({"unconditional": make(each)})["unconditional"]
        for each in (images, misplaced, empty, np.zeros_like(images))
    ]
    for key in ("joint", "fd_geometry"):
        values = [value(block, key) for block in blocks]
        assert values == sorted(values)


def test_copies_are_found_by_the_metric_meant_for_them(found: dict[str, Block], make: Make) -> None:
    copies = found["unseen"]  # train designs, each once
    assert copies["memorisation"]["copied"]["value"] == 1
    assert copies["memorisation"]["distance"]["value"] == 0
    assert copies["memorisation"]["duplicates"]["value"] < 0.05
    single = found["single"]["memorisation"]
    assert single["duplicates"]["value"] == single["copied"]["value"] == 1
    assert single["duplicates"]["floor"] == copies["memorisation"]["duplicates"]["floor"]
    honest = found["test"]["memorisation"]
    assert honest["copied"]["value"] == pytest.approx(0.01, abs=0.005)
    assert honest["copied"]["floor"]["mean"] == pytest.approx(0.01, abs=0.01)
    assert honest["distance"]["value"] == pytest.approx(honest["test"]["mean"])
    assert honest["distance"]["ratio"] == pytest.approx(1, abs=0.1)
    for name in ("generated", "test"):
        assert sum(honest["histogram"][name]) == pytest.approx(1)
    assert honest["histogram"]["generated"] == honest["histogram"]["test"]


def test_duplicates_and_their_floor_are_counted(
    make: Make, designs: Designs, spec: DataSpec, settings: EvaluationSettings
) -> None:
    images = designs.images.copy()
    images[designs.train] = images[designs.train][:1]  # one design is all that there is to learn
    drawn = np.concatenate([designs.split("test").images[:50], designs.split("test").images[:10]])
    unique = len({image.tobytes() for image in drawn[:50]})
    result = evaluate(spec, replace(designs, images=images), {"unconditional": make(drawn)}, settings, 0)
    duplicates = result["metrics"]["memorisation"]["duplicates"]
    assert unique == 50 and duplicates["value"] == pytest.approx(20 / 60)
    assert duplicates["floor"] == {"mean": 1, "std": 0}


def test_every_figure_of_every_generator_is_finite_or_has_a_reason(found: dict[str, Block]) -> None:
    for block in found.values():
        for _, figure in figures(block):
            assert (figure["value"] is None) == bool(figure.get("reason"))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_designs_have_a_figure_or_a_reason(
    score: Any, make: Make, test_split: Designs, count: int
) -> None:
    asked = test_split.rows(np.arange(count))
    few = make(asked.images, asked=asked, given=0)
    block = score({"unconditional": make(asked.images), "inpainting": {"group_nc": few}})
    for part in (block["unconditional"], block["inpainting"]["group_nc"]):
        assert (part["joint"]["energy"]["value"] is None) == (count < 3)
        assert (part["fd_geometry"]["distance"]["value"] is None) == (count < 3)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**31))
def test_descriptors_are_finite_whatever_is_drawn(count: int, components: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    chance = rng.random((count, components, 1, 1)) - 0.3
    images = (rng.random((count, components, 6, 5)) < chance).astype(np.uint8)
    population = Population(images, "binary", np.zeros((count, 0)), ())
    pairs = len(geometry.pairs(components))
    assert descriptors(population).shape == (count, 12 * components + 1 + 2 * pairs)
    assert layout(population).shape == (count, 3 * components + 2 * pairs)
    assert np.isfinite(descriptors(population)).all() and np.isfinite(layout(population)).all()
    chosen = population.rows(np.array([count - 1]))
    np.testing.assert_array_equal(descriptors(chosen), descriptors(population)[-1:])


def test_an_axis_on_which_nearly_all_real_designs_agree_does_not_blow_up() -> None:
    train = np.zeros((1000, 3))
    train[0, 0] = 1.0  # one odd design
    train[:, 1] = np.arange(1000)
    view = View(train[:5] + 1, train[:5], train, train, np.arange(5), 1)
    plain, kept = view.scaled(), view.scaled(1.0)
    assert plain.generated[1, 0] - plain.real[1, 0] > 30
    np.testing.assert_allclose(kept.generated - kept.real, np.array([[1, 1 / train[:, 1].std(), 1]] * 5))


# compatibility --------------------------------------------------------------------------------------------


def completed(images: Images, kind: str, given_channel: int) -> Images:
    """``images`` with the components that were not given replaced."""
    others = {"true": images, "blank": np.zeros_like(images), "shuffled": dealt(images)}[kind].copy()
    others[:, given_channel] = images[:, given_channel]
    return others


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_completions_meet_the_given_component_as_real_ones_do_or_are_found_out(
    score: Any, make: Make, designs: Designs, test_split: Designs, channel: int
) -> None:
    name = ("group_nc", "group_km", "fpu")[channel]

    def block(kind: str) -> Block:
        images = completed(test_split.images, kind, channel)
        samples = {"inpainting": {name: make(images, asked=test_split, given=channel)}}
        return dict(score(samples)["inpainting"][name]["compatibility"])

    true, blank, shuffled = (block(kind) for kind in ("true", "blank", "shuffled"))
    assert name not in true["contact"] and len(true["contact"]) == 3
    whole = true["contact"]["all"]
    assert whole["wd"]["value"] == whole["difference"]["value"] == whole["lost"]["value"] == 0
    assert whole["mean"]["value"] > 5
    assert true["overlap"]["all"]["wd"]["value"] == true["overlap"]["all"]["mean"]["value"] == 0
    assert blank["contact"]["all"]["lost"]["value"] == 1 and blank["contact"]["all"]["mean"]["value"] == 0
    assert blank["contact"]["all"]["wd"]["value"] == pytest.approx(whole["mean"]["value"])
    assert "empty" in blank["overlap"]["all"]["wd"]["reason"]  # no praise for drawing nothing
    # no train design has nearly the given component, so that distances have no floor: here that of any
    assert shuffled["contact"]["all"]["wd"]["floor"] is None
    pairs = [k for k, pair in enumerate(((0, 1), (0, 2), (1, 2))) if channel in pair]
    here, there = (
        geometry.contact_lengths(side.astype(bool))[:, pairs].sum(axis=1)
        for side in (designs.split("train").images, test_split.images)
    )
    rng = np.random.default_rng(0)
    floors = [wasserstein_distance(rng.choice(here, len(there), replace=False), there) for _ in range(10)]
    assert shuffled["contact"]["all"]["wd"]["value"] > np.mean(floors) + 4 * np.std(floors, ddof=1)
    assert shuffled["overlap"]["all"]["wd"]["value"] > 1


def test_contact_figures_are_those_of_the_pairs_with_the_given_component(
    score: Any, make: Make, test_split: Designs
) -> None:
    images = completed(test_split.images, "shuffled", 1)
    samples = {"inpainting": {"group_km": make(images, asked=test_split, given=1)}}
    block = score(samples)["inpainting"]["group_km"]["compatibility"]
    here, there = (geometry.contact_lengths(side.astype(bool)) for side in (images, test_split.images))
    both = geometry.shared_pixels(images.astype(bool))
    pairs = {"group_nc": [0], "fpu": [2], "all": [0, 2]}  # of (nc, km), (nc, fpu), (km, fpu)
    for name, columns in pairs.items():
        drawn, true = (side[:, columns].sum(axis=1) for side in (here, there))
        contact = block["contact"][name]
        assert contact["wd"]["value"] == pytest.approx(wasserstein_distance(drawn, true))
        assert contact["mean"]["value"] == pytest.approx(drawn.mean())
        assert contact["difference"]["value"] == pytest.approx(np.abs(drawn - true).mean())
        assert contact["lost"]["value"] == pytest.approx((drawn[true > 0] == 0).mean())
        assert block["overlap"][name]["mean"]["value"] == pytest.approx(both[:, columns].sum(axis=1).mean())


def test_what_is_shared_by_all_modes_of_an_evaluation_is_computed_once(
    monkeypatch: pytest.MonkeyPatch, score: Any, make: Make, test_split: Designs
) -> None:
    from epuredgm.evaluation.metrics import memorisation

    calls: list[int] = []
    search = memorisation.nearest_distances

    def counted(designs: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.float64]:
        calls.append(len(designs))
        return search(designs, others)

    monkeypatch.setattr(memorisation, "nearest_distances", counted)
    images = test_split.images[:20]
    alone = score({"unconditional": make(images)})["unconditional"]
    assert len(calls) == 2
    both = score(
        {"unconditional": make(images), "conditional": make(images, asked=test_split.rows(np.arange(20)))}
    )
    assert len(calls) == 2 + 3  # the reference once more, and both sets
    assert both["unconditional"] == alone
    for path, figure in figures(both["conditional"]["memorisation"]):
        assert figure["floor"] == dict(figures(alone["memorisation"]))[path]["floor"]
    for key in ("joint", "fd_geometry"):  # of distances it is of designs that were asked for the same
        for path, figure in figures(both["conditional"][key]):
            assert figure["floor"] != dict(figures(alone[key]))[path]["floor"]
