from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orchestration_fakes import config

from epuredgm.core.jobs import SUPPORTED, Job, Mode, Stage
from epuredgm.orchestration.plan import modes_of, plan

ALL = list(Stage)
RUNS = [Stage.TRAIN, Stage.SAMPLE, Stage.EVALUATE]


def test_nine_models_and_three_seeds_make_162_jobs() -> None:
    configs = {name: config(name) for name in "abcdefghi"}
    assert len(plan(configs, (0, 1, 2), stages=RUNS)) == 9 * 3 * (1 + 4 + 1)
    assert len(plan(configs, (0, 1, 2), stages=ALL)) == 162 + 4


def test_planning_is_pure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    configs = {name: config(name) for name in "ab"}
    kept = deepcopy(configs)
    assert plan(configs, (0, 1), stages=ALL) == plan(configs, (0, 1), stages=ALL)
    assert configs == kept
    assert list(tmp_path.iterdir()) == []


@given(
    models=st.sets(st.sampled_from("abcdef"), min_size=1),
    seeds=st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
    png=st.booleans(),
)
def test_every_job_follows_those_it_needs_and_needs_what_they_make(
    models: set[str], seeds: list[int], png: bool
) -> None:
    jobs = plan({name: config(name) for name in sorted(models)}, seeds, stages=ALL, png=png)
    seen: dict[str, Job] = {}
    for job in jobs:
        assert set(job.needs) <= set(seen)
        assert job.key not in seen
        seen[job.key] = job
    assert len({job.log for job in jobs}) == len(jobs)


def test_a_stage_that_is_skipped_is_still_named_as_input() -> None:
    (sample, *_) = plan({"a": config("a")}, (0,), stages=[Stage.SAMPLE])
    assert sample.inputs["weights"] == ("train/a_toy/seed0", "weights")
    assert sample.needs == ("prepare/toy", "train/a_toy/seed0")


def test_the_summary_counts_runs_of_before() -> None:
    *_, summary, report = plan({"a": config("a")}, (0,), stages=ALL, others=[("z", 4), ("a", 0)])
    assert summary.tolerant and report.tolerant
    assert report.essential == ("summary",) and "summary" in report.inputs and not summary.essential
    assert summary.inputs == {
        f"{output}/{run}/seed{seed}": (f"evaluate/{run}_toy/seed{seed}", output)
        for output in ("result", "resamples")
        for run, seed in (("a", 0), ("z", 4))
    }
    assert {"summary", "designs", "result/a/seed0", "result/z/seed4"} == set(report.inputs)


def test_the_files_of_the_data_set_are_in_the_fingerprint_of_the_job_that_reads_them() -> None:
    one = plan({"a": config("a")}, (0,), stages=ALL, source={"table": "1"})
    two = plan({"a": config("a")}, (0,), stages=ALL, source={"table": "2"})
    assert [a.key for a, b in zip(one, two, strict=True) if a != b] == ["prepare/toy"]


def test_modes_are_those_that_have_a_meaning() -> None:
    declared = [mode for mode in SUPPORTED if mode is not Mode.RECONSTRUCTION]
    assert modes_of(config(model__supports=declared)) == tuple(Mode)[:4]
    assert modes_of(config(model__supports=[Mode.RECONSTRUCTION])) == (Mode.RECONSTRUCTION,)
    assert Mode.CONDITIONAL not in modes_of(config(dataset__conditions="none"))
    some = config(model__supports=["inpainting", "unconditional"])
    assert modes_of(some) == (Mode.UNCONDITIONAL, Mode.INPAINTING)
    single = config()
    single["dataset"]["components"] = {"only": {"label": "", "color": ""}}
    assert Mode.INPAINTING not in modes_of(single)


def test_evaluation_takes_every_sample_set() -> None:
    evaluate = next(j for j in plan({"a": config("a")}, (0,), stages=ALL) if j.stage is Stage.EVALUATE)
    assert sorted(evaluate.inputs) == [
        "designs",
        "reference",
        "samples/conditional",
        "samples/extrapolation",
        "samples/inpainting/fpu",
        "samples/inpainting/group_km",
        "samples/inpainting/group_nc",
        "samples/unconditional",
    ]
    assert evaluate.inputs["samples/inpainting/fpu"] == ("sample/a_toy/seed0/inpainting", "samples/fpu")


def test_exports_are_planned_on_request() -> None:
    exports = [j for j in plan({"a": config("a")}, (0,), stages=ALL, png=True) if j.stage is Stage.EXPORT]
    assert [job.mode for job in exports] == [mode.value for mode in modes_of(config("a"))]
    assert sorted(exports[2].inputs) == ["samples/fpu", "samples/group_km", "samples/group_nc"]
