from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from orchestration_fakes import Witness, go, ran, results, steer, study

from epuredgm.core.files import read_json
from epuredgm.core.jobs import Job, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration.execute import modules_for
from epuredgm.orchestration.pointers import read_pointer
from epuredgm.orchestration.records import Record
from epuredgm.orchestration.state import read_state

TRAIN, CONDITIONAL = "train/a_toy/seed0", "sample/a_toy/seed0/conditional"
EVALUATE, SUMMARY = "evaluate/a_toy/seed0", "aggregate/toy"


SPAWNED = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from orchestration_fakes import go, study
if __name__ == "__main__":
    sys.exit(go(Path(sys.argv[2]), study("a"))[0].exit_code)
"""


def state(root: Path) -> dict[str, Any]:
    found = read_state(Workspace(root))
    assert found is not None
    return found


def record(root: Path, key: str = TRAIN) -> Record:
    return Record.read(Workspace(root).record(key))


class TestAStudy:
    """All goes well."""

    def test_every_job_runs_once_after_those_it_needs(self, tmp_path: Path) -> None:
        jobs = study()
        outcome, witness = go(tmp_path, jobs)
        assert (outcome.exit_code, outcome.done) == (0, len(jobs))
        assert sorted(ran(tmp_path)) == sorted(job.key for job in jobs)
        order = {key: place for place, key in enumerate(ran(tmp_path))}
        assert all(order[need] < order[job.key] for job in jobs for need in job.needs)
        assert witness.started_jobs == ran(tmp_path)
        assert set(witness.ended.values()) == {"done"}
        assert witness.outcome == outcome

    def test_given_again_nothing_is_done(self, finished: Path) -> None:
        before = results(finished)
        outcome, witness = go(finished)
        assert (outcome.exit_code, outcome.done, outcome.skipped) == (0, 0, len(study()))
        assert (ran(finished), witness.ended) == ([], {})
        assert results(finished) == before

    def test_the_log_folder_is_as_the_guide_says(self, tmp_path: Path) -> None:
        outcome, _ = go(tmp_path)
        latest = read_pointer(tmp_path / "logs/pipeline/latest")
        assert latest == outcome.folder.resolve()
        for name in (
            "pipeline.log",
            "errors.log",
            "state.json",
            "plan.json",
            "data/prepare.log",
            "training/a_seed0.log",
            "sampling/a_seed0_unconditional.log",
            "evaluation/a_seed0.log",
            "evaluation/aggregate.log",
        ):
            assert (latest / name).is_file(), name
        assert (latest / "errors.log").read_text() == ""
        assert len(read_json(latest / "plan.json")["jobs"]) == len(study())

    def test_latest_stays_where_something_was_done(self, finished: Path) -> None:
        latest = finished / "logs/pipeline/latest"
        before = read_pointer(latest)
        go(finished)  # nothing was to do
        assert read_pointer(latest) == before
        go(finished, study(evaluation__bootstrap=7), latest=False)  # as aggregate and report do
        assert read_pointer(latest) == before
        outcome, _ = go(finished)
        assert read_pointer(latest) == outcome.folder.resolve()

    def test_state_shows_what_is_completed_done_now_or_before(self, finished: Path) -> None:
        go(finished, study(seeds=(0, 1)))
        found = state(finished)
        assert (found["exit_code"], found["schema"]) == (0, 1)
        assert found["completed"]["prepare"] == found["completed"]["aggregate"] == ["toy"]
        assert found["completed"]["training"] == {"a": [0, 1], "b": [0, 1]}
        assert found["completed"]["evaluation"] == {"a": [0, 1], "b": [0, 1]}
        assert "seed1_conditional" in found["completed"]["sampling"]["b"]
        assert not any(found["failed"].values())
        entry = found["jobs"]["train/a_toy/seed1"]
        assert entry["attempts"][0]["exit_class"] == "ok"
        assert {"fingerprint", "outputs", "peak_memory", "log", "seconds"} <= set(entry)

    def test_only_what_a_change_concerns_is_done_again(self, finished: Path) -> None:
        go(finished, study(evaluation__bootstrap=7))
        assert sorted(ran(finished)) == [SUMMARY, EVALUATE, "evaluate/b_toy/seed0", "report/toy"]

    def test_a_new_training_has_a_new_folder_and_moves_the_pointer(self, finished: Path) -> None:
        pointer = finished / "outputs/a_toy/run_seed0"
        before = read_pointer(pointer)
        go(finished, study(training__batch_size=32))
        after = read_pointer(pointer)
        assert before is not None
        assert after is not None
        assert after != before
        assert before.is_dir()

    def test_what_comes_out_as_before_stops_the_wave(self, finished: Path) -> None:
        outcome, witness = go(finished, force=[Stage.TRAIN])
        assert sorted(ran(finished)) == [TRAIN, "train/b_toy/seed0"]
        assert (outcome.done, outcome.skipped) == (2, len(study()) - 2)
        assert witness.ended[CONDITIONAL] == "up to date"

    def test_a_removed_pointer_comes_back(self, finished: Path) -> None:
        pointer = finished / "outputs/a_toy/run_seed0"
        target = read_pointer(pointer)
        pointer.unlink()
        go(finished)
        assert read_pointer(pointer) == target

    @pytest.mark.parametrize("harm", ["elsewhere", "nowhere", "folder", "file"])
    def test_a_spoilt_pointer_is_mended_or_told_and_fails_nothing(self, finished: Path, harm: str) -> None:
        pointer = finished / "outputs/a_toy/run_seed0"
        target = read_pointer(pointer)
        pointer.unlink()
        if harm == "folder":
            pointer.mkdir()
        elif harm == "file":
            pointer.write_bytes(bytes(10_000))
        else:
            pointer.symlink_to(finished if harm == "elsewhere" else "nowhere")
        outcome, witness = go(finished)
        assert (outcome.exit_code, outcome.done) == (0, 0)
        if harm in ("folder", "file"):  # somebody else's: left alone
            assert "is not a pointer" in "".join(witness.notes)
        else:
            assert read_pointer(pointer) == target

    def test_a_damaged_record_is_told(self, finished: Path) -> None:
        place = Workspace(finished).record(SUMMARY)
        place.write_text("{")
        outcome, witness = go(finished)
        assert outcome.exit_code == 0
        assert [note for note in witness.notes if str(place) in note]

    def test_old_logs_may_be_cleared_away_meanwhile(self, tmp_path: Path) -> None:
        class Clearing(Witness):
            def job_finished(self, job: Job, *about: Any) -> None:
                shutil.rmtree(tmp_path / "logs")

        outcome, _ = go(tmp_path, study("a"), observer=Clearing())
        assert outcome.exit_code == 0
        assert read_json(outcome.folder / "state.json")["exit_code"] == 0
        assert outcome.text() in (outcome.folder / "pipeline.log").read_text()

    def test_no_module_of_the_working_directory_stands_in_for_pythons(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if sys.version_info < (3, 11):
            pytest.skip("Python before 3.11 knows no safe path")
        for name in ("signal", "selectors", "socket"):
            (tmp_path / f"{name}.py").write_text("raise SystemExit('stood in')")
        monkeypatch.chdir(tmp_path)
        command = [sys.executable, "-P", "-c", SPAWNED, str(Path(__file__).parent), str(tmp_path / "w")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def test_progress_reaches_the_observer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        _, witness = go(tmp_path, study("a"))
        assert (TRAIN, 20) in witness.progress

    def test_two_devices_share_the_work(self, tmp_path: Path) -> None:
        outcome, _ = go(tmp_path, study("abc"), devices=["cpu", "cpu:1"])
        assert outcome.exit_code == 0
        used = Counter(entry["device"] for entry in state(tmp_path)["jobs"].values())
        assert set(used) == {"cpu", "cpu:1"}
        assert Counter(ran(tmp_path)) == dict.fromkeys((job.key for job in study("abc")), 1)


class TestFailures:
    """One job fails; the rest goes on."""

    def test_only_dependants_are_blocked(self, tmp_path: Path) -> None:
        steer(tmp_path, train__a_toy__seed0="fail")
        outcome, witness = go(tmp_path)
        assert outcome.exit_code == 1
        assert {key for key, status in witness.ended.items() if status == "failed"} == {TRAIN}
        blocked = {key for key, status in witness.ended.items() if status == "blocked"}
        modes = ("unconditional", "conditional", "inpainting", "extrapolation")
        assert blocked == {*(f"sample/a_toy/seed0/{mode}" for mode in modes), EVALUATE}
        assert witness.ended["evaluate/b_toy/seed0"] == witness.ended[SUMMARY] == "done"
        assert read_json(tmp_path / "evaluation_results/toy/summary.json")["of"] == [
            "resamples/b/seed0",
            "result/b/seed0",
        ]
        assert outcome.failures == {TRAIN: "ValueError: made to fail"}

    def test_it_is_told_where_the_guide_says(self, tmp_path: Path) -> None:
        steer(tmp_path, train__a_toy__seed0="fail", sample__b_toy__seed0__conditional="refuse")
        outcome, _ = go(tmp_path)
        errors = (outcome.folder / "errors.log").read_text()
        assert TRAIN in errors
        assert "error: ValueError: made to fail" in errors
        assert "training/a_seed0.log" in errors
        log = (outcome.folder / "training/a_seed0.log").read_text()
        assert "Traceback" in log
        log = (outcome.folder / "sampling/b_seed0_conditional.log").read_text()
        assert "made to refuse" in log
        assert "Traceback" not in log
        failed = state(tmp_path)["failed"]
        assert failed["training"] == ["a_seed0"]
        assert failed["sampling"] == ["b_seed0_conditional"]
        assert record(tmp_path).attempts[0].exit_class == "failed"

    def test_given_again_what_is_left_is_done(self, tmp_path: Path) -> None:
        steer(tmp_path, train__a_toy__seed0="fail")
        go(tmp_path)
        (tmp_path / "fake.json").unlink()
        before = len(ran(tmp_path))
        outcome, _ = go(tmp_path)
        assert outcome.exit_code == 0
        left = {job.key for job in study("a") if job.stage not in (Stage.PREPARE, Stage.REFERENCE)}
        assert sorted(ran(tmp_path)[before:]) == sorted(left)

    def test_a_summary_of_nothing_is_blocked(self, tmp_path: Path) -> None:
        steer(tmp_path, train__a_toy__seed0="fail")
        _, witness = go(tmp_path, study("a"))
        assert witness.ended[SUMMARY] == "blocked"

    @pytest.mark.parametrize(
        ("order", "exit_class", "words"),
        [
            ("full", "disk-full", "the disk is full"),
            ("memory", "oom", "try training.micro_batch=1"),
            ("fail", "failed", "ValueError"),
        ],
    )
    def test_the_kind_of_failure_is_recorded(
        self, tmp_path: Path, order: str, exit_class: str, words: str
    ) -> None:
        steer(tmp_path, train__a_toy__seed0=order)
        outcome, _ = go(tmp_path, study("a"))
        assert record(tmp_path).attempts[-1].exit_class == exit_class
        assert words in outcome.failures[TRAIN]

    def test_a_process_that_ends_without_a_word_failed(self, tmp_path: Path) -> None:
        steer(tmp_path, train__a_toy__seed0="mute")
        outcome, _ = go(tmp_path, study("a"))
        assert "exit code 3" in outcome.failures[TRAIN]
        assert ran(tmp_path).count(TRAIN) == 1

    def test_a_process_killed_from_outside_is_tried_once_more(self, tmp_path: Path) -> None:
        steer(tmp_path, train__a_toy__seed0="kill once", sample__a_toy__seed0__conditional="kill once")
        outcome, witness = go(tmp_path, study("a"))
        assert outcome.exit_code == 0
        assert ran(tmp_path).count(TRAIN) == ran(tmp_path).count(CONDITIONAL) == 2
        assert [attempt.exit_class for attempt in record(tmp_path).attempts] == ["killed by signal 9", "ok"]
        assert any("trying once more" in note for note in witness.notes)
        assert len(list((tmp_path / "outputs/a_toy").glob("20*"))) == 1

    def test_and_then_it_failed(self, tmp_path: Path) -> None:
        steer(tmp_path, train__a_toy__seed0="kill")
        outcome, _ = go(tmp_path, study("a"))
        assert ran(tmp_path).count(TRAIN) == 2
        assert "killed by signal 9" in outcome.failures[TRAIN]
        assert record(tmp_path).status == "failed"

    def test_a_folder_with_the_pointers_name_is_left_alone_and_told(self, tmp_path: Path) -> None:
        precious = tmp_path / "outputs/a_toy/run_seed0/precious"
        precious.parent.mkdir(parents=True)
        precious.touch()
        outcome, _ = go(tmp_path, study("a"))
        assert outcome.exit_code == 0
        assert precious.exists()
        assert "was not moved" in (outcome.folder / "training/a_seed0.log").read_text()
        assert "was not moved" in (outcome.folder / "pipeline.log").read_text()


def test_a_display_that_breaks_leaves_no_process_behind(tmp_path: Path) -> None:
    class Broken(Witness):
        def job_progress(self, *_: Any) -> None:
            raise RuntimeError("display broke")

    with pytest.raises(RuntimeError, match="display broke"):
        go(tmp_path, study("a"), observer=Broken())
    assert go(tmp_path, study("a"))[0].exit_code == 0


def test_the_server_imports_what_the_jobs_need_and_nothing_else() -> None:
    jobs = [job for job in study() if job.stage in (Stage.SAMPLE, Stage.AGGREGATE)]
    target = jobs[0].config["model"]["target"].rpartition(".")[0]
    stages = ["epuredgm.stages.sample", "epuredgm.stages.aggregate"]
    assert modules_for(jobs, "w") == ["w", *stages, target]
    assert modules_for(jobs[-1:], "w") == ["w", stages[1]]


def test_the_control_plane_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, json, pathlib\n"
        "from epuredgm.orchestration import assess, execute, plan, records, state, locks\n"
        "from epuredgm.core.places import Workspace\n"
        "records.overview(Workspace(pathlib.Path(sys.argv[1])))\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    heavy = {"torch", "numpy", "pandas", "PIL", "matplotlib", "scipy", "rich", "click", "hydra"}
    assert heavy.isdisjoint(json.loads(answer.stdout))
