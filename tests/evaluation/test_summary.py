"""Aggregates and rankings follow their definitions; hopeless generators come last; order changes nothing."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.ranking import Column, rank
from epuredgm.evaluation.summary import COLUMNS, summarise, tidy_csv

Result = dict[str, Any]


def figure(value: float | None) -> dict[str, Any]:
    reason = {"reason": "made up"} if value is None else {}
    floor = {"mean": 0.5, "std": 0.1}
    return {
        "value": value,
        "interval": None if value is None else [0, 9],
        "floor": floor,
        "ratio": None,
        **reason,
    }


def result(
    model: str, seed: int, rce: float | None, mae: float | None = None, fid: float | None = None, **facts: Any
) -> Result:
    """A made-up result: RCE in the first mode, adherence in the second."""
    counts = {"drawn": 50, "compared": 50, "floor": 50, "paired": False}
    modes: dict[str, Any] = {
        "unconditional": {"counts": counts, "fid": figure(fid), "rce": {"gen_wd": figure(rce), "real_wd": 0}}
    }
    if mae is not None:
        modes["conditional"] = {
            "counts": counts,
            "adherence": {"conditions": {"width_px": {"unit": "px", "mae": figure(mae)}}},
        }
    return {
        "model": model,
        "dataset": "toy",
        "seed": seed,
        "profile": "quick",
        "mode": "unconditional",
        "modes": modes,
        "provenance": {"data_fingerprint": "d", "package_version": "1"},
        **facts,
    }


def test_aggregates_are_sample_statistics_over_seeds() -> None:
    values = [0.1, 0.4, 0.25]
    summary = summarise("toy", [result("a", seed, value) for seed, value in enumerate(values)])
    about = summary["model_aggregates"]["a"]
    assert about["num_runs"] == 3 and about["seeds"] == [0, 1, 2] and about["profiles"] == ["quick"]
    rce = about["rce"]
    assert rce["mean"] == pytest.approx(np.mean(values)) and rce["std"] == pytest.approx(
        np.std(values, ddof=1)
    )
    assert (rce["min"], rce["max"], rce["num_runs"], rce["floor"]) == (0.1, 0.4, 3, 0.5)
    assert about["fid"]["mean"] is None and about["fid"]["reason"] == "made up"


def test_one_run_has_no_spread() -> None:
    assert summarise("toy", [result("a", 0, 0.1)])["model_aggregates"]["a"]["rce"]["std"] is None


def test_the_ranking_names_what_ranked() -> None:
    plain = [result("a", 0, 0.3, 1.0), result("b", 0, 0.1, 0.5)]
    summary = summarise("toy", plain)
    assert [row["model"] for row in summary["rankings"]] == ["b", "a"]
    assert {row["metric"] for row in summary["rankings"]} == {"mean_rank"}
    assert "adherence_width_px" in summary["ranked_by"]["over"] and "fid" in summary["ranked_by"]["reason"]
    with_fid = [result("a", 0, 0.3, 1.0, fid=3.0), result("b", 0, 0.1, 0.5, fid=4.0)]
    rows = summarise("toy", with_fid)["rankings"]
    assert [(row["rank"], row["model"], row["metric"], row["value"], row["fid_mean"]) for row in rows] == [
        (1, "a", "fid", 3.0, 3.0),
        (2, "b", "fid", 4.0, 4.0),
    ]
    one_without = [*with_fid, result("a", 1, 0.3, 1.0)]
    assert summarise("toy", one_without)["rankings"][0]["metric"] == "mean_rank"


def test_a_model_that_misses_a_metric_is_last_on_it() -> None:
    rows = summarise("toy", [result("a", 0, 0.3, 9.0), result("b", 0, 0.3), result("c", 0, 0.3, 99.0)])[
        "rankings"
    ]
    assert {row["model"]: row["places"]["adherence_width_px"] for row in rows} == {"a": 1, "b": 3, "c": 2}


def test_runs_that_are_hard_to_compare_are_flagged() -> None:
    other = result("b", 0, 0.1, profile="full", provenance={"data_fingerprint": "e", "package_version": "1"})
    other["modes"]["unconditional"]["counts"] = {**other["modes"]["unconditional"]["counts"], "compared": 9}
    missing = result("b", 1, None)
    warnings = "\n".join(summarise("toy", [result("a", 0, 0.1), other, missing])["warnings"])
    for word in ("profiles", "sample counts", "fingerprints", "seeds", "b: only some of its runs have rce"):
        assert word in warnings
    assert not summarise("toy", [result("a", 0, 0.1), result("b", 0, 0.2)])["warnings"]


def test_the_order_of_reading_changes_nothing() -> None:
    results = [result(model, seed, 0.1, 1.0) for model in "abcd" for seed in range(3)]
    expected = summarise("toy", results), tidy_csv(results)
    random.Random(0).shuffle(results)
    assert (summarise("toy", results), tidy_csv(results)) == expected
    assert [row["model"] for row in expected[0]["rankings"]] == list("abcd")  # all equal: by name


def test_the_table_holds_every_figure_once() -> None:
    rows = list(csv.DictReader(io.StringIO(tidy_csv([result("a", 3, 0.25, 1.5)]))))
    assert tuple(rows[0]) == COLUMNS
    by_metric = {(row["mode"], row["metric"]): row for row in rows}
    assert set(by_metric) == {
        ("conditional", "adherence.conditions.width_px.mae"),
        ("unconditional", "fid"),
        ("unconditional", "rce.gen_wd"),
    }
    row = by_metric["unconditional", "rce.gen_wd"]
    assert [row[c] for c in ("model", "seed", "given", "value", "low", "high", "floor", "ratio")] == [
        *("a", "3", "", "0.25", "0", "9", "0.5", ""),
    ]


figures_of_models = st.dictionaries(
    st.sampled_from("abcdef"), st.none() | st.integers(0, 3).map(float), min_size=1
)


@given(figures_of_models, st.sampled_from(["lower", "higher"]))
def test_places_are_mean_ranks(values: dict[str, float | None], better: str) -> None:
    models = sorted(values)
    ranking = rank(models, [Column("x", better, values)])
    places = [ranking.places[model]["x"] for model in models]
    assert sum(places) == len(models) * (len(models) + 1) / 2
    assert [ranking.values[model] for model in ranking.values] == sorted(places)
    for model in models:
        if values[model] is None:
            assert ranking.places[model]["x"] == max(places)


# generators of known quality --------------------------------------------------------------------------------


def _generators(
    train: NDArray[np.uint8], test: NDArray[np.uint8]
) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Unconditional and conditional images of each; the conditional ones answer the rows of ``test``."""
    rng = np.random.default_rng(0)
    count = len(test)

    def mixed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.stack([images[rng.permutation(count), c] for c in range(images.shape[1])], axis=1)

    some = train[:count]
    worn = (rng.random(some.shape) < 0.97).astype(np.uint8)
    return {
        "real": (some, test),
        "mixed": (mixed(some), mixed(test)),
        "worn": (some * worn, test * worn),
        "blank": (np.zeros_like(some), np.zeros_like(some)),
        "full": (np.ones_like(some), np.ones_like(some)),
    }


def test_real_designs_come_first_and_blank_and_full_ones_last(
    spec: DataSpec, designs: Designs, settings: EvaluationSettings, make: Callable[..., SampleSet]
) -> None:
    asked = designs.split("test")
    results = []
    for model, (free, led) in _generators(designs.split("train").images, asked.images).items():
        samples = {"unconditional": make(free), "conditional": make(led, asked=asked)}
        scores = evaluate(spec, designs, samples, settings, 0)
        results.append({**result(model, 0, None), **scores})
    summary = summarise("toy", results)
    json.dumps(summary, allow_nan=False)
    order = [row["model"] for row in summary["rankings"]]
    assert order[0] == "real"
    assert set(order[-2:]) == {"blank", "full"}
    assert summary["model_aggregates"]["blank"]["iou"]["mean"] is None
    assert summary["rankings"][0]["places"]["adherence_width_px"] == min(
        row["places"]["adherence_width_px"] for row in summary["rankings"]
    )
