from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from orchestration_fakes import config, study

from epuredgm.core.files import tree_sha256
from epuredgm.core.jobs import Job, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration.assess import Assessment, assess
from epuredgm.orchestration.plan import plan

TRAIN, CONDITIONAL = "train/a_toy/seed0", "sample/a_toy/seed0/conditional"
EVALUATE, SUMMARY, REPORT = "evaluate/a_toy/seed0", "aggregate/toy", "report/toy"


def verdicts(root: Path, jobs: tuple[Job, ...] | None = None, **options: Any) -> dict[str, Assessment]:
    return {a.job.key: a for a in assess(jobs or study(), Workspace(root), **options)}


def to_do(found: dict[str, Assessment]) -> set[str]:
    return {key for key, verdict in found.items() if verdict.to_do}


def record_of(root: Path, key: str) -> Path:
    return Workspace(root).record(key)


def unfinish(root: Path, **changes: Any) -> None:
    """Make a finished training one that was begun and has not finished."""
    run = json.loads(record_of(root, TRAIN).read_text())["run"]
    (root / run / "record.json").unlink()
    edit(root, TRAIN, outputs={}, **changes)


def edit(root: Path, key: str, **about: Any) -> None:
    place = record_of(root, key)
    place.write_text(json.dumps({**json.loads(place.read_text()), **about}))


def test_nothing_is_written(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "fresh").mkdir()
    for root in (finished, tmp_path / "fresh"):
        before = tree_sha256(root), sorted(root.rglob("*"))
        verdicts(root, study("abc"), force=[Stage.TRAIN])
        assert (tree_sha256(root), sorted(root.rglob("*"))) == before


def test_a_fresh_workspace_has_everything_to_do(tmp_path: Path) -> None:
    found = verdicts(tmp_path)
    assert {verdict.action for verdict in found.values()} == {"run"}
    assert found["prepare/toy"].reasons == ("never run",)
    assert found[TRAIN].reasons == ("never run", "prepare/toy will run")
    assert {(verdict.seconds, verdict.bytes) for verdict in found.values()} == {(None, None)}


def test_a_finished_study_is_up_to_date(finished: Path) -> None:
    found = verdicts(finished)
    assert {(v.action, v.reasons, v.seconds, v.bytes) for v in found.values()} == {("up to date", (), 0.0, 0)}


def test_a_changed_key_is_named_and_what_follows_will_run(finished: Path) -> None:
    found = verdicts(finished, study(training__batch_size=32))
    assert found[TRAIN].reasons == ("training.batch_size 64 -> 32",)
    assert found[CONDITIONAL].reasons == (f"{TRAIN} will run",)
    assert found["prepare/toy"].action == "up to date"
    assert found[TRAIN].seconds is not None
    assert found[TRAIN].bytes


def test_a_new_metric_needs_no_new_samples(finished: Path) -> None:
    found = verdicts(finished, study(evaluation__bootstrap=7))
    assert to_do(found) == {EVALUATE, "evaluate/b_toy/seed0", SUMMARY, REPORT}


def test_a_new_metric_file_is_named_and_makes_evaluations_alone_stale(finished: Path) -> None:
    configs = {name: config(name) for name in "ab"}
    found = verdicts(finished, plan(configs, (0,), stages=list(Stage), metrics=["ink"]))
    assert to_do(found) == {EVALUATE, "evaluate/b_toy/seed0", SUMMARY, REPORT}
    assert found[EVALUATE].reasons == ("source.metric.ink (unset) -> there",)


def test_a_new_seed_leaves_the_old_ones(finished: Path) -> None:
    found = verdicts(finished, study(seeds=(0, 1)))
    assert {key for key in to_do(found) if "seed0" in key} == set()
    new = found["train/a_toy/seed1"]
    assert new.seconds is not None  # predicted from seed 0
    assert found[SUMMARY].to_do


def test_one_flipped_byte_is_noticed(finished: Path) -> None:
    path = finished / "samples/a_toy/conditional/run_seed0/samples.npz"
    content = bytearray(path.read_bytes())
    content[7] ^= 1
    path.write_bytes(content)
    found = verdicts(finished)
    assert found[CONDITIONAL].reasons == ("output samples.npz is changed",)
    assert to_do(found) == {CONDITIONAL, EVALUATE, SUMMARY, REPORT}


def test_a_removed_output_is_noticed(finished: Path) -> None:
    (finished / "samples/a_toy/inpainting/fpu/run_seed0/samples.npz").unlink()
    assert verdicts(finished)["sample/a_toy/seed0/inpainting"].reasons == ("output samples.npz is missing",)


@pytest.mark.parametrize("harm", ["add", "remove", "flip"])
def test_a_changed_folder_is_noticed(finished: Path, harm: str) -> None:
    folder = finished / "data/.cache/toy"
    if harm == "add":
        (folder / "more").write_text("more")
    elif harm == "remove":
        (folder / "content").unlink()
    else:
        (folder / "content").write_text("x" * 64)
    assert verdicts(finished)["prepare/toy"].reasons == ("output toy is changed",)


def test_a_new_time_alone_changes_nothing(finished: Path) -> None:
    for path in finished.rglob("*"):
        if path.is_file():
            os.utime(path)
    assert to_do(verdicts(finished)) == set()


def test_a_moved_workspace_is_up_to_date(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "copy", symlinks=True, copy_function=shutil.copyfile)
    assert to_do(verdicts(tmp_path / "copy")) == set()


def test_an_input_that_came_out_otherwise_is_named(finished: Path) -> None:
    record = json.loads(record_of(finished, TRAIN).read_text())
    weights = finished / record["outputs"]["weights"]["path"]
    weights.write_text("other")
    record["outputs"]["weights"]["sha256"] = tree_sha256(weights)
    record_of(finished, TRAIN).write_text(json.dumps(record))
    found = verdicts(finished)
    assert found[TRAIN].action == "up to date"
    assert found[CONDITIONAL].reasons == ("input weights changed",)


@pytest.mark.parametrize("stage", [Stage.TRAIN, Stage.SAMPLE, Stage.EVALUATE])
def test_forced_stages_run(finished: Path, stage: Stage) -> None:
    found = verdicts(finished, force=[stage])
    chosen = [verdict for verdict in found.values() if verdict.job.stage is stage]
    assert all(v.to_do and v.forced and "forced" in v.reasons[0] for v in chosen)
    before = list(Stage).index(stage)
    assert not any(v.to_do for v in found.values() if list(Stage).index(v.job.stage) < before)


def test_an_unreadable_record_is_named_unless_another_tells_the_same(finished: Path) -> None:
    record_of(finished, EVALUATE).write_text("{")
    assert verdicts(finished)[EVALUATE].action == "up to date"
    Workspace(finished).done(EVALUATE).unlink()
    assert verdicts(finished)[EVALUATE].reasons == (
        f"its record cannot be read: {record_of(finished, EVALUATE)}",
    )


class TestUnfinished:
    """What was begun and not finished."""

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            ("interrupted", "interrupted at "),
            ("failed", "failed before: it broke"),
            ("started", "lost: started at "),
        ],
    )
    def test_a_training_resumes_if_it_is_the_same_work(
        self, finished: Path, status: str, reason: str
    ) -> None:
        unfinish(finished, status=status, error="it broke")
        verdict = verdicts(finished)[TRAIN]
        assert verdict.action == "resume"
        assert verdict.reasons[0].startswith(reason)

    @pytest.mark.parametrize("difference", ["key", "input", "folder", "forced"])
    def test_else_it_begins_anew(self, finished: Path, difference: str) -> None:
        unfinish(finished, status="interrupted")
        jobs, force = study(), []
        if difference == "key":
            jobs = study(training__batch_size=32)
        elif difference == "input":
            (finished / "data/.cache/toy/designs").write_text("other")
            made = json.loads(record_of(finished, "prepare/toy").read_text())["outputs"]
            made["designs"]["sha256"] = tree_sha256(finished / "data/.cache/toy")
            edit(finished, "prepare/toy", outputs=made)
        elif difference == "folder":
            shutil.rmtree(finished / json.loads(record_of(finished, TRAIN).read_text())["run"])
        else:
            force = [Stage.TRAIN]
        assert verdicts(finished, jobs, force=force)[TRAIN].action == "run"

    def test_other_stages_begin_anew(self, finished: Path) -> None:
        edit(finished, CONDITIONAL, status="interrupted", outputs={})
        Workspace(finished).done(CONDITIONAL).unlink()
        assert verdicts(finished)[CONDITIONAL].action == "run"


class TestMissingMakers:
    """Stages that were skipped."""

    def jobs(self, models: str, *stages: Stage) -> tuple[Job, ...]:
        return plan({name: config(name) for name in models}, (0,), stages=stages)

    def test_what_is_there_is_used(self, finished: Path) -> None:
        assert to_do(verdicts(finished, self.jobs("ab", Stage.SAMPLE), force=[Stage.SAMPLE]))

    def test_what_is_not_there_blocks_and_names_the_command(self, tmp_path: Path) -> None:
        found = verdicts(
            tmp_path, self.jobs("a", Stage.PREPARE, Stage.REFERENCE, Stage.SAMPLE, Stage.EVALUATE)
        )
        assert found[CONDITIONAL].action == "blocked"
        assert found[CONDITIONAL].reasons == (
            "weights of train/a_toy/seed0 is missing, which is not planned",
            "to make it: epuredgm run --dataset toy --models a --seeds 0 --profile full",
        )
        assert found[EVALUATE].reasons == (
            "sample/a_toy/seed0/unconditional is blocked",
            "sample/a_toy/seed0/conditional is blocked",
            "sample/a_toy/seed0/inpainting is blocked",
            "sample/a_toy/seed0/extrapolation is blocked",
        )

    def test_each_maker_and_each_command_is_named_once(self, tmp_path: Path) -> None:
        jobs = self.jobs("a", Stage.PREPARE, Stage.REFERENCE, Stage.EVALUATE)
        reasons = verdicts(tmp_path, jobs)[EVALUATE].reasons
        assert [reason.partition(" is missing")[0] for reason in reasons[:-1]] == [
            f"{name} of sample/a_toy/seed0/{mode}"
            for mode, name in (
                ("unconditional", "samples"),
                ("conditional", "samples"),
                ("inpainting", "samples/group_nc"),
                ("extrapolation", "samples"),
            )
        ]
        assert reasons[-1].startswith("to make it: ")

    def test_a_summary_takes_what_there_is(self, finished: Path) -> None:
        found = verdicts(finished, self.jobs("abz", Stage.AGGREGATE))
        assert found[SUMMARY].action == "up to date"  # z has no result, a and b are as before
        (finished / "evaluation_results/toy/a/run_seed0.json").unlink()
        assert verdicts(finished, self.jobs("abz", Stage.AGGREGATE))[SUMMARY].reasons == (
            "input result/a/seed0 is gone",
        )

    def test_a_summary_of_nothing_is_blocked(self, tmp_path: Path) -> None:
        assert verdicts(tmp_path, self.jobs("a", Stage.AGGREGATE))[SUMMARY].action == "blocked"

    def test_a_report_needs_its_summary_whatever_else_there_is(self, finished: Path) -> None:
        for model in "ab":  # the designs are still there
            shutil.rmtree(finished / f"evaluation_results/toy/{model}")
        assert verdicts(finished, self.jobs("ab", Stage.AGGREGATE, Stage.REPORT))["report/toy"].to_do
        (finished / "evaluation_results/toy/summary.json").unlink()
        found = verdicts(finished, self.jobs("ab", Stage.AGGREGATE, Stage.REPORT))
        assert found["report/toy"].action == "blocked"


@pytest.mark.parametrize("change", [lambda c: None, lambda c: c["profile"].update(name="quick")])
def test_history_counts_under_the_same_profile_only(finished: Path, change: Callable[[Any], None]) -> None:
    other = config("c")
    change(other)
    job = next(job for job in plan({"c": other}, (0,), stages=list(Stage)) if job.stage is Stage.PREPARE)
    (verdict,) = assess([job], Workspace(finished), [Stage.PREPARE])
    assert (verdict.seconds is None) == (other["profile"]["name"] == "quick")
