"""Generators of known quality: real designs lead every ranking, hopeless ones follow the honest ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epuredgm.core.jobs import TASKS
from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.measure import mirrored_height, mirrored_width
from epuredgm.data.samples import SampleSet
from epuredgm.data.toy_shapes import render, split_channels
from epuredgm.data.toy_stream import draw
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.reference import Reference
from epuredgm.evaluation.summary import summarise

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]
Make = Callable[..., SampleSet]

REAL = "real"
HONEST = {"fresh", "worn", "coarse"}
HOPELESS = {"blank", "full", "shuffled", "copying"}


def nearest(pool: Images, sizes: NDArray[np.float64], asked: NDArray[np.float64]) -> Images:
    """The design of the pool nearest to each asked size."""
    gaps = np.abs(sizes[None] - asked[:, None]).sum(axis=2)
    return pool[gaps.argmin(axis=1)]


def measured(images: Images) -> NDArray[np.float64]:
    return np.stack([mirrored_width(images), mirrored_height(images)], axis=1).astype(np.float64)


def worn(images: Images, share: float, rng: np.random.Generator) -> Images:
    """A share of the designs with one pixel in three hundred turned off."""
    spoiled = (rng.random(len(images)) < share)[:, None, None, None]
    holes = rng.random(images.shape) < 1 / 300
    return np.where(spoiled & holes, 0, images).astype(np.uint8)


def generators(designs: Designs) -> dict[str, dict[str, Images]]:
    """Model -> images by task: ``free``, ``led`` and ``painted`` (by rows of the test split).

    Around a given component, honest generators draw the real design with faults of their own.
    """
    rng = np.random.default_rng(0)
    train, test = designs.split("train"), designs.split("test")
    count = len(test)
    _, parameters = draw(3000, 7, SILENT)
    fresh = split_channels(render(parameters)[0])
    free = fresh[:count]
    led = nearest(fresh, measured(fresh), test.conditions)

    def shuffled(images: Images) -> Images:
        return np.stack([images[rng.permutation(count), c] for c in range(images.shape[1])], axis=1)

    def around(share: float) -> Images:
        return worn(test.images, share, rng)

    blank, full = np.zeros_like(free), np.ones_like(free)
    mixed, copied = shuffled(led), nearest(train.images, train.conditions, test.conditions)
    return {
        REAL: {"free": test.images, "led": test.images, "painted": test.images},
        "fresh": {"free": free, "led": led, "painted": around(0.1)},
        "worn": {"free": worn(free, 0.2, rng), "led": worn(led, 0.2, rng), "painted": around(0.2)},
        "coarse": {"free": worn(free, 0.9, rng), "led": worn(led, 0.9, rng), "painted": around(0.9)},
        "blank": {"free": blank, "led": blank, "painted": blank},
        "full": {"free": full, "led": full, "painted": full},
        "shuffled": {"free": shuffled(free), "led": mixed, "painted": mixed},
        "copying": {
            "free": train.images[rng.permutation(len(train))[:count]],
            "led": copied,
            "painted": copied,
        },
    }


def result(model: str, scores: dict[str, Any], reference: Reference) -> dict[str, Any]:
    provenance = {"data_fingerprint": "d", "package_version": "1", "extractors": reference.facts}
    return {
        "model": model,
        "dataset": "toy",
        "seed": 0,
        "profile": "quick",
        "provenance": provenance,
        **scores,
    }


@pytest.fixture(scope="module")
def summary(
    spec: DataSpec, designs: Designs, settings: EvaluationSettings, make: Make, reference: Reference
) -> dict[str, Any]:
    asked = designs.split("test")
    results = []
    for model, images in generators(designs).items():
        painted = {}
        for k, name in enumerate(spec.component_names):
            completed = images["painted"].copy()
            completed[:, k] = asked.images[:, k]
            painted[name] = make(completed, asked=asked, given=k)
        samples = {
            "unconditional": make(images["free"]),
            "conditional": make(images["led"], asked=asked),
            "inpainting": painted,
        }
        scores = evaluate(spec, designs, samples, settings, 0, SILENT, reference)
        results.append(result(model, scores, reference))
    made = summarise("toy", results)
    json.dumps(made, allow_nan=False)
    return made


def order(summary: dict[str, Any], ranking: str) -> list[str]:
    return [row["model"] for row in summary["all_rankings"][ranking]["rows"]]


RANKINGS = ("overall", "mean_rank", *(mode.value for mode in TASKS))


@pytest.mark.parametrize("ranking", RANKINGS)
def test_real_designs_come_first(summary: dict[str, Any], ranking: str) -> None:
    assert order(summary, ranking)[0] == REAL


@pytest.mark.parametrize("ranking", RANKINGS)
def test_hopeless_generators_stand_behind_all_honest_ones(summary: dict[str, Any], ranking: str) -> None:
    models = order(summary, ranking)
    assert set(models[1 : 1 + len(HONEST)]) == HONEST
    assert set(models[1 + len(HONEST) :]) == HOPELESS


def test_set_back_are_those_that_copy_or_draw_nothing(summary: dict[str, Any]) -> None:
    rows = {row["model"]: row["set_back"] for row in summary["all_rankings"]["unconditional"]["rows"]}
    assert rows["copying"] == "Copied train designs 1 > 0.05"
    assert rows["blank"] == "Designs with an empty component 1 > 0.5"
    assert {model for model, reason in rows.items() if reason} == {"copying", "blank"}


def test_noise_below_the_floor_ranks_nobody(summary: dict[str, Any]) -> None:
    rows = {row["model"]: row for row in summary["all_rankings"]["unconditional"]["rows"]}
    own = {model: summary["tasks"]["unconditional"][model]["com_overall"] for model in (REAL, "fresh")}
    assert own[REAL]["mean"] != own["fresh"]["mean"]
    assert rows[REAL]["places"] == rows["fresh"]["places"]


def test_what_is_missing_is_no_praise(summary: dict[str, Any]) -> None:
    assert summary["model_aggregates"]["blank"]["iou"]["mean"] is None
    places = {row["model"]: row["places"] for row in summary["rankings"]}
    assert places["blank"]["iou"] == len(places)


def test_the_overall_ranking_is_by_the_domain_distance_where_there_is_no_fid(summary: dict[str, Any]) -> None:
    assert summary["ranked_by"]["metric"] == "fd_domain"
    assert summary["model_aggregates"]["blank"]["fid"]["mean"] is None


def test_floors_of_manifold_figures_are_made_once_an_evaluation(
    monkeypatch: pytest.MonkeyPatch,
    spec: DataSpec,
    designs: Designs,
    settings: EvaluationSettings,
    make: Make,
    reference: Reference,
) -> None:
    from epuredgm.evaluation.metrics import manifold

    calls: list[int] = []
    figures = manifold.manifold_figures

    def counted(real: Floats, made: Floats, keep: NDArray[np.bool_], k: int) -> Floats:
        calls.append(len(keep))
        return figures(real, made, keep, k)

    monkeypatch.setattr(manifold, "manifold_figures", counted)
    asked = designs.split("test").rows(np.arange(20))
    sets = {"unconditional": make(asked.images), "conditional": make(asked.images, asked=asked)}
    both = evaluate(spec, designs, sets, settings, 0, SILENT, reference)["modes"]
    # those of random designs, made once for both sets, and those of matched ones
    assert both["conditional"]["counts"]["distance_floor"]["kind"] == "matched"
    assert calls.count(1) == 2 * settings.floor_repeats == len(calls) - len(sets)
    alone = evaluate(spec, designs, {"conditional": sets["conditional"]}, settings, 0, SILENT, reference)
    assert both["conditional"]["manifold"] == alone["modes"]["conditional"]["manifold"]
