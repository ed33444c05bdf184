"""Aggregates and tables follow their definitions; what cannot be compared is said; order changes nothing."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import numpy as np
import pandas
import pytest
from results_made_up import Result, figure, result
from scipy import stats

from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.summary import summarise
from epuredgm.evaluation.tables import COLUMNS, as_csv, as_parquet, tidy


def test_aggregates_are_sample_statistics_over_seeds() -> None:
    values = [0.1, 0.4, 0.25]
    results = [result("a", seed, value) for seed, value in enumerate(values)]
    for each, value in zip(results, values, strict=True):
        each["modes"]["unconditional"]["rce"]["gen_wd"] = figure(value, interval=None)
    summary = summarise("toy", results)
    about = summary["model_aggregates"]["a"]
    assert about["num_runs"] == 3 and about["seeds"] == [0, 1, 2] and about["profiles"] == ["quick"]
    rce = about["rce"]
    assert rce["mean"] == pytest.approx(np.mean(values)) and rce["std"] == pytest.approx(
        np.std(values, ddof=1)
    )
    assert (rce["min"], rce["max"], rce["num_runs"], rce["floor"], rce["floor_std"]) == (0.1, 0.4, 3, 0, 0.1)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert rce["interval"] == [0, pytest.approx(high)] and low < 0  # a count error is never negative
    assert about["fid"]["mean"] is None and about["fid"]["reason"] == "made up"
    assert summary["tasks"]["unconditional"]["a"]["rce"] == rce


def test_seeds_that_agree_are_no_surer_than_the_draw_of_designs() -> None:
    results = [result("a", seed, 0.0) for seed in range(4)]
    for each in results:
        each["modes"]["unconditional"]["validity"] = {"valid": figure(1.0, (0.92, 1.0))}
    summary = summarise("toy", results)["model_aggregates"]["a"]
    assert summary["valid"]["std"] == 0
    assert summary["valid"]["interval"] == [pytest.approx(0.96), 1]  # a half of each run's own reach


def test_one_run_has_no_spread_and_its_own_interval() -> None:
    rce = summarise("toy", [result("a", 0, 0.1)])["model_aggregates"]["a"]["rce"]
    assert rce["std"] is None and rce["interval"] == [0, 9]


def test_a_task_that_a_model_was_not_sampled_in_is_null_with_a_reason() -> None:
    summary = summarise("toy", [result("a", 0, 0.1, 2.0), result("b", 0, 0.2)])
    missing = summary["tasks"]["conditional"]["b"]["adherence_width_px"]
    assert missing["mean"] is None and "conditional" in missing["reason"]
    assert [row["model"] for row in summary["all_rankings"]["conditional"]["rows"]] == ["a"]


def test_the_ranking_names_what_ranked() -> None:
    plain = [result("a", 0, 0.9, 1.0), result("b", 0, 0.6, 0.5)]
    summary = summarise("toy", plain)
    assert [row["model"] for row in summary["rankings"]] == ["b", "a"]
    assert {row["metric"] for row in summary["rankings"]} == {"mean_rank"}
    assert "adherence_width_px" in summary["ranked_by"]["over"]
    assert "FID of coloured components" in summary["ranked_by"]["reason"]
    with_fid = [result("a", 0, 0.9, 1.0, fid=3.0), result("b", 0, 0.6, 0.5, fid=4.0)]
    rows = summarise("toy", with_fid)["rankings"]
    assert [(row["rank"], row["model"], row["metric"], row["value"], row["fid_mean"]) for row in rows] == [
        (1, "a", "fid_components", 3.0, 3.0),
        (2, "b", "fid_components", 4.0, 4.0),
    ]
    assert rows[0]["interval"] == [0, 9]
    assert [row["model"] for row in summarise("toy", with_fid)["all_rankings"]["mean_rank"]["rows"]] == [
        "b",
        "a",
    ]
    one_without = [*with_fid, result("a", 1, 0.3, 1.0)]
    assert summarise("toy", one_without)["rankings"][0]["metric"] == "mean_rank"


def test_a_model_that_misses_a_metric_is_last_on_it() -> None:
    rows = summarise("toy", [result("a", 0, 0.3, 9.0), result("b", 0, 0.3), result("c", 0, 0.3, 99.0)])[
        "rankings"
    ]
    assert {row["model"]: row["places"]["adherence_width_px"] for row in rows} == {"a": 1, "b": 3, "c": 2}


def copies(model: str, seed: int, value: float, interval: tuple[float, float]) -> Result:
    made = result(model, seed, 0.0)
    made["modes"]["unconditional"]["memorisation"] = {"copied": figure(value, interval)}
    return made


def test_a_model_is_set_back_if_every_run_lies_beyond_the_limit_with_its_whole_interval() -> None:
    honest = [copies("z", seed, 0.01, (0.0, 0.04)) for seed in (0, 1)]
    beyond, doubtful = (0.3, 0.5), (0.04, 0.2)
    for last, expected in ((beyond, "a"), (doubtful, "z")):
        rows = summarise("toy", [*honest, copies("a", 0, 0.4, beyond), copies("a", 1, 0.1, last)])["rankings"]
        assert rows[-1]["model"] == expected
        assert [bool(row["set_back"]) for row in rows] == [False, expected == "a"]


def test_nobody_is_set_back_for_what_real_designs_do_themselves() -> None:
    def repeating(model: str, interval: tuple[float, float]) -> Result:
        made = copies(model, 0, sum(interval) / 2, interval)
        made["modes"]["unconditional"]["memorisation"]["copied"]["floor"] = {"mean": 0.5, "std": 0.05}
        return made

    rows = summarise("toy", [repeating("a", (0.61, 0.99)), repeating("b", (0.59, 0.99))])["rankings"]
    assert {row["model"]: bool(row["set_back"]) for row in rows} == {"a": True, "b": False}


def test_runs_that_are_hard_to_compare_are_flagged() -> None:
    other = result("b", 0, 0.1, profile="full", provenance={"data_fingerprint": "e", "package_version": "1"})
    other["modes"]["unconditional"]["counts"] = {**other["modes"]["unconditional"]["counts"], "compared": 9}
    missing = result("b", 1, None)
    warnings = "\n".join(summarise("toy", [result("a", 0, 0.1), other, missing])["warnings"])
    for word in ("profiles", "sample counts", "fingerprints", "seeds", "b: only some of its runs have rce"):
        assert word in warnings
    alike = [result("a", 0, 0.1), result("b", 0, 0.2)]
    nothing: dict[tuple[str, int], dict[str, Any]] = {("a", 0): {}, ("b", 0): {}}
    assert not summarise("toy", alike, nothing)["warnings"]
    assert "no resamples of a seed 0, b seed 0" in summarise("toy", alike)["warnings"][0]


def test_figures_through_different_extractors_rank_nobody() -> None:
    results = [result(model, 0, 0.1, fid=value) for model, value in (("a", 1.0), ("b", 2.0))]
    for each, weights in zip(results, "xy", strict=True):
        each["provenance"] = {
            **each["provenance"],
            "extractors": {"inception_components": {"weights": weights}},
        }
    summary = summarise("toy", results)
    assert summary["ranked_by"]["metric"] == "mean_rank"
    assert "FID of coloured components through different extractors" in summary["ranked_by"]["reason"]
    assert any("inception" in warning and "fid_components" in warning for warning in summary["warnings"])
    kinds = summary["extractors"]["inception_components"]["differ"]
    assert sorted(kinds, key=str) == [{"weights": "x"}, {"weights": "y"}]
    for each in results:
        each["provenance"]["extractors"] = {"inception_components": {"weights": "x"}}
    summary = summarise("toy", results)
    assert summary["ranked_by"]["metric"] == "fid_components"
    assert summary["extractors"] == {"inception_components": {"weights": "x"}}


def test_the_order_of_reading_changes_nothing() -> None:
    results = [result(model, seed, 0.1, 1.0) for model in "abcd" for seed in range(3)]
    expected = summarise("toy", results), as_csv(tidy(results, all_metrics()))
    random.Random(0).shuffle(results)
    assert (summarise("toy", results), as_csv(tidy(results, all_metrics()))) == expected
    assert [row["model"] for row in expected[0]["rankings"]] == list("abcd")  # all equal: by name


def test_the_table_holds_every_figure_once() -> None:
    table = tidy([result("a", 3, 0.25, 1.5)], all_metrics())
    rows = list(csv.DictReader(io.StringIO(as_csv(table))))
    assert tuple(rows[0]) == COLUMNS
    by_metric = {(row["mode"], row["metric"]): row for row in rows}
    assert set(by_metric) == {
        ("conditional", "adherence.conditions.width_px.mae"),
        ("unconditional", "fid"),
        ("unconditional", "fid_components"),
        ("unconditional", "rce.gen_wd"),
    }
    row = by_metric["unconditional", "rce.gen_wd"]
    words = ("model", "seed", "given", "ratio", "unit", "better")
    assert [row[column] for column in words] == ["a", "3", "", "", "pieces", "lower"]
    numbers = ("value", "low", "high", "floor", "floor_std")
    assert [float(row[column]) for column in numbers] == [0.25, 0, 9, 0, 0.1]


def test_both_tables_hold_the_same_rows() -> None:
    table = tidy([result("a", 3, 1 / 3, 1.5), result("b", 0, None)], all_metrics())
    from_csv = pandas.read_csv(io.StringIO(as_csv(table)), keep_default_na=False, na_values={"value": [""]})
    from_parquet = pandas.read_parquet(io.BytesIO(as_parquet(table)))
    assert list(from_csv.columns) == list(from_parquet.columns) == list(COLUMNS)
    for column in ("model", "seed", "metric", "value", "given", "unit"):
        left, right = from_csv[column].tolist(), from_parquet[column].tolist()
        assert [x for x in left if x == x] == [x for x in right if x == x]
    assert from_parquet["value"].isna().sum() == 5  # both kinds of FID of both, rce of b
    assert as_parquet(table) == as_parquet(table)


def test_who_keeps_a_deciding_figure_from_ranking_is_said() -> None:
    without = summarise("toy", [result("a", 0, 0.9, fid=3.0), result("b", 0, 0.6)])
    ranked_by = without["ranked_by"]
    assert (ranked_by["metric"], ranked_by["reason"]) == (
        "mean_rank",
        "not every run has FID of coloured components",
    )
    assert without["warnings"][0] == "b has no fid_components: made up"
    assert not any("fid" in each for each in summarise("toy", [result("b", 0, 0.6)])["warnings"])
    elsewhere = result("c", 0, 0.6, fid=1.0)
    elsewhere["modes"]["conditional"] = elsewhere["modes"].pop("unconditional")
    apart = summarise("toy", [result("a", 0, 0.9, fid=3.0), elsewhere])["ranked_by"]
    assert apart["metric"] == "mean_rank"
    assert apart["reason"] == "runs have FID of coloured components in different modes"


def test_those_that_decide_stand_in_one_line_and_see_components() -> None:
    heads = [head for metric in all_metrics() for head in metric.headlines if head.decides]
    line = sorted(heads, key=lambda head: head.decides)
    assert [head.name for head in line] == ["fid_components", "fd_domain"]  # fid sees silhouettes alone
    assert len({int(head.decides) for head in heads}) == len(heads)


def test_reconstructions_are_ranked_by_likeness_and_by_nothing_that_smoothness_or_collapse_wins() -> None:
    results = []
    for model, ssim, kl in (("sharp", 0.8, 40.0), ("collapsed", 0.6, 0.0)):
        each = result(model, 0, 0.1)
        back = {"ssim": figure(ssim), "l1": figure(1 - ssim)}
        latent = {"kl": figure(kl), "active_units": figure(kl)}
        counts = each["modes"]["unconditional"]["counts"]
        each["modes"]["reconstruction"] = {"counts": counts, "reconstruction": back, "latent": latent}
        results.append(each)
    summary = summarise("toy", results)
    ranking = summary["all_rankings"]["reconstruction"]
    assert ranking["over"] == ["reconstruction_ssim", "l1"]
    assert [row["model"] for row in ranking["rows"]] == ["sharp", "collapsed"]
    assert summary["tasks"]["reconstruction"]["collapsed"]["kl"]["mean"] == 0  # told all the same
    assert summary["headlines"]["kl"]["better"] == "neither"
