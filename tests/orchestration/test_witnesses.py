"""The record is not the only witness: what lies on the disk is not made twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from orchestration_fakes import go, ran, results, start, steer, study

from epuredgm.core.jobs import Job
from epuredgm.core.places import Workspace
from epuredgm.orchestration.archive import NAME, Archive
from epuredgm.orchestration.assess import Judge, assess
from epuredgm.orchestration.records import Record

TRAIN = "train/a_toy/seed0"
HARM = ["remove", "truncate", "empty", "foreign", "binary"]


def harm(path: Path, how: str) -> None:
    """Spoil a record."""
    content = path.read_bytes()
    path.unlink()
    if how == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "foreign":
        path.write_text(json.dumps({**json.loads(content), "schema": 99}))
    elif how == "binary":
        path.write_bytes(bytes(range(256)))


def stop_midway(root: Path, batch_size: int) -> str:
    """Begin the training of model a with a batch size and kill all of it at a third; its run folder."""
    before = set((root / "outputs/a_toy").glob("2*"))
    state = "check/state.json"
    process = start(root, step_seconds=0.1, models="a", training__batch_size=batch_size)
    deadline = time.monotonic() + 60
    while True:
        new = set((root / "outputs/a_toy").glob("2*")) - before
        steps = [json.loads((run / state).read_text())["step"] for run in new if (run / state).exists()]
        if steps and steps[0] >= 5:
            break
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    record = Record.read(Workspace(root).record(TRAIN))
    assert record.last is not None
    return record.run


def verdict(root: Path, jobs: tuple[Job, ...] | None = None, **options: Any) -> Any:
    return {a.job.key: a for a in assess(jobs or study("a"), Workspace(root), **options)}[TRAIN]


def resumed(root: Path, batch_size: int) -> str | None:
    """The run folder that a training with this batch size would go on in."""
    jobs = study("a", training__batch_size=batch_size)
    judge = Judge(Workspace(root))
    job = next(job for job in jobs if job.key == TRAIN)
    judge.at_launch(job)
    found = judge.resumable(job, judge.inputs(job))
    return found.run if found else None


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    root = tmp_path_factory.mktemp("begun")
    return root, {size: stop_midway(root, size) for size in (64, 32, 16, 8)}


@pytest.fixture
def several(begun: tuple[Path, dict[int, str]], tmp_path: Path) -> tuple[Path, dict[int, str]]:
    root = tmp_path / "begun"
    shutil.copytree(begun[0], root, symlinks=True)
    return root, begun[1]


class TestCheckpoints:
    """Begun with one setting, then with others: each goes on in its own folder."""

    def test_four_settings_in_any_order(self, several: tuple[Path, dict[int, str]], finished: Path) -> None:
        root, runs = several
        assert len(set(runs.values())) == 4
        for size, run in runs.items():
            assert resumed(root, size) == run
        outcome, _ = go(root, study("a"))
        assert outcome.exit_code == 0
        expected = results(finished)
        assert {name: made for name, made in results(root).items() if "/a" in name} == {
            name: made for name, made in expected.items() if "/a" in name
        }
        assert Record.read(Workspace(root).record(TRAIN)).run == runs[64]
        go(root, study("a", training__batch_size=16))
        assert Record.read(Workspace(root).record(TRAIN)).run == runs[16]
        assert len(list((root / "outputs/a_toy").glob("2*"))) == 4

    def test_the_reason_is_of_the_work_that_goes_on(self, several: tuple[Path, dict[int, str]]) -> None:
        found = verdict(several[0])
        assert found.action == "resume"
        assert "batch_size" not in " ".join(found.reasons)

    @pytest.mark.parametrize("how", HARM)
    def test_without_the_jobs_record(self, several: tuple[Path, dict[int, str]], how: str) -> None:
        root, runs = several
        harm(Workspace(root).record(TRAIN), how)
        assert {size: resumed(root, size) for size in runs} == runs

    @pytest.mark.parametrize("how", HARM)
    def test_without_the_records_in_the_folders(self, several: tuple[Path, dict[int, str]], how: str) -> None:
        """As earlier versions left them: the logs tell what was begun where."""
        root, runs = several
        for run in runs.values():
            harm(root / run / NAME, how)
        harm(Workspace(root).record(TRAIN), "remove")
        assert {size: resumed(root, size) for size in runs} == runs
        archive = Archive(Workspace(root))
        archive.of(TRAIN)
        told = {run for run in runs.values() for fault in archive.faults if str(root / run / NAME) in fault}
        assert told == (set() if how == "remove" else set(runs.values()))

    def test_the_newest_with_a_checkpoint_counts(self, several: tuple[Path, dict[int, str]]) -> None:
        root, runs = several
        later = root / "outputs/a_toy/2999-01-01_00-00-00"
        about = json.loads((root / runs[64] / NAME).read_text())
        about["run"] = later.relative_to(root).as_posix()
        later.mkdir()
        (later / NAME).write_text(json.dumps(about))  # begun later, and killed before it saved anything
        Record.read(later / NAME).write(Workspace(root))
        assert resumed(root, 64) == runs[64]
        (later / "check").mkdir()
        (later / "check/state.json").touch()
        assert resumed(root, 64) == about["run"]


class TestFinished:
    """Trained to its end, and then something happens to the record."""

    @pytest.mark.parametrize("how", HARM)
    def test_a_lost_record_costs_nothing(self, finished: Path, how: str) -> None:
        made = results(finished)
        for path in sorted((finished / ".epuredgm/jobs").rglob("*.json")):
            harm(path, how)
        outcome, witness = go(finished)
        assert (outcome.exit_code, outcome.done) == (0, 0)
        assert ran(finished) == []
        assert results(finished) == made
        if how != "remove":
            assert [note for note in witness.notes if str(Workspace(finished).record(TRAIN)) in note]
        assert Record.read(Workspace(finished).record(TRAIN)).status == "done"
        assert go(finished)[1].notes == []

    def test_all_that_the_tool_knows_is_lost(self, finished: Path) -> None:
        shutil.rmtree(finished / ".epuredgm")
        shutil.rmtree(finished / "logs")
        assert go(finished, study("a"))[0].exit_code == 0
        assert not [key for key in ran(finished) if key.startswith("train/")]

    @pytest.mark.parametrize("how", HARM)
    def test_both_records_are_lost(self, finished: Path, how: str) -> None:
        """The training itself finds its weights."""
        run = Record.read(Workspace(finished).record(TRAIN)).run
        go(finished, study("a", training__batch_size=32))  # the logs remember the newest, not only the first
        for path in (Workspace(finished).record(TRAIN), finished / run / NAME):
            harm(path, how)
        shutil.rmtree(finished / "logs")
        assert verdict(finished, study("a")).action == "run"  # nothing is left that could tell

    def test_several_settings_and_failures_between(self, finished: Path) -> None:
        first = Record.read(Workspace(finished).record(TRAIN)).run
        runs = {64: first}
        for size in (32, 16):
            steer(finished, train__a_toy__seed0="fail")
            go(finished, study("a", training__batch_size=size))
            steer(finished)
            go(finished, study("a", training__batch_size=size))
            runs[size] = Record.read(Workspace(finished).record(TRAIN)).run
        steer(finished, train__a_toy__seed0="fail")
        go(finished, study("a", training__batch_size=8))
        steer(finished)
        (finished / "ran.log").unlink()
        for size in (16, 64, 32):
            assert go(finished, study("a", training__batch_size=size))[0].exit_code == 0
            assert Record.read(Workspace(finished).record(TRAIN)).run == runs[size]
        assert not [key for key in ran(finished) if key.startswith("train/")]

    def test_inputs_that_come_back_take_their_run_again(self, finished: Path) -> None:
        """The fingerprint is the same: it is the data that changed, and changed back."""
        first = Record.read(Workspace(finished).record(TRAIN)).run
        go(finished, study("a", dataset__reader__count=99))
        assert Record.read(Workspace(finished).record(TRAIN)).run != first
        (finished / "ran.log").unlink()
        go(finished, study("a"))
        assert not [key for key in ran(finished) if key.startswith("train/")]
        assert Record.read(Workspace(finished).record(TRAIN)).run == first

    def test_seeds_do_not_stand_in_for_each_other(self, tmp_path: Path) -> None:
        go(tmp_path, study("a", seeds=(0, 1, 2)))
        shutil.rmtree(tmp_path / ".epuredgm/jobs/train")
        (tmp_path / "ran.log").unlink()
        assert go(tmp_path, study("a", seeds=(0, 1, 2)))[0].done == 0
        assert (
            len({Record.read(path).run for path in (tmp_path / ".epuredgm/jobs/train").rglob("*.json")}) == 3
        )

    def test_samples_come_back_after_a_failed_attempt_with_other_settings(self, finished: Path) -> None:
        key = "sample/a_toy/seed0/conditional"
        steer(finished, sample__a_toy__seed0__conditional="fail")
        go(finished, study("a", sampling__guidance=2.0))
        steer(finished)
        (finished / "ran.log").unlink()
        assert go(finished, study("a"))[0].exit_code == 0
        assert key not in ran(finished)

    def test_a_lost_side_file_is_made_again_without_training(self, finished: Path) -> None:
        record = Record.read(Workspace(finished).record(TRAIN))
        (finished / record.run / "config.yaml").write_text("spoilt")
        found = verdict(finished, study("a"))
        assert (found.action, found.reasons) == ("resume", ("output config.yaml is changed",))
        assert go(finished, study("a"))[0].exit_code == 0
        again = Record.read(Workspace(finished).record(TRAIN))
        assert (again.run, again.outputs["config"].sha256) == (record.run, record.outputs["config"].sha256)

    def test_a_later_versions_further_fields_are_no_fault(self, finished: Path) -> None:
        for path in [*(finished / ".epuredgm").rglob("*.json"), *finished.glob("outputs/*/2*/record.json")]:
            content = json.loads(path.read_text())
            content["colour"] = "blue"
            content["attempts"][0]["colour"] = "blue"
            path.write_text(json.dumps(content))
        assert go(finished)[0].done == 0
