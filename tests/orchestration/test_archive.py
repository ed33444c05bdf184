"""A finished training is never lost to a later attempt: its run is found on disk and taken again."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestration_fakes import go, ran, results, steer, study

from epuredgm.core.jobs import Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration.archive import finished_runs
from epuredgm.orchestration.assess import assess
from epuredgm.orchestration.pointers import read_pointer
from epuredgm.orchestration.records import Record

TRAIN = "train/a_toy/seed0"


def retrain(root: Path, **orders: str) -> int:
    """Train model a with another batch size under orders for the fakes; the exit code."""
    steer(root, **orders)
    return go(root, study("ab", training__batch_size=32))[0].exit_code


def test_settings_that_come_back_take_their_finished_run_again(finished: Path) -> None:
    made, first = results(finished), read_pointer(finished / "outputs/a_toy/run_seed0")
    assert retrain(finished) == 0
    assert read_pointer(finished / "outputs/a_toy/run_seed0") != first
    (finished / "ran.log").unlink()
    assert go(finished)[0].exit_code == 0
    assert not [key for key in ran(finished) if key.startswith("train/")]
    assert read_pointer(finished / "outputs/a_toy/run_seed0") == first
    assert results(finished) == made


def test_after_a_failed_retraining_the_finished_run_is_still_there(finished: Path) -> None:
    assert retrain(finished, train__a_toy__seed0="fail") == 1
    steer(finished)
    (finished / "ran.log").unlink()
    assert go(finished)[0].exit_code == 0
    assert TRAIN not in ran(finished)
    assert Record.read(Workspace(finished).record(TRAIN)).status == "done"


def test_skipped_training_uses_the_newest_finished_run(finished: Path) -> None:
    retrain(finished, train__a_toy__seed0="fail")
    jobs = [job for job in study("a") if job.stage in (Stage.SAMPLE, Stage.EVALUATE)]
    assert {a.action for a in assess(jobs, Workspace(finished))} == {"up to date"}


def test_a_dry_look_adopts_without_writing(finished: Path) -> None:
    retrain(finished)
    record = Workspace(finished).record(TRAIN)
    before = record.read_bytes()
    verdicts = {a.job.key: a for a in assess(study(), Workspace(finished))}
    assert verdicts[TRAIN].action == "up to date"
    assert record.read_bytes() == before


def test_force_trains_again_and_damage_is_not_adopted(finished: Path) -> None:
    retrain(finished)
    verdicts = {a.job.key: a for a in assess(study(), Workspace(finished), [Stage.TRAIN])}
    assert verdicts[TRAIN].action == "run"
    for record in finished_runs(TRAIN, Workspace(finished)):
        for made in record.outputs.values():
            path = finished / made.path
            path.write_bytes(b"damaged")
    verdicts = {a.job.key: a for a in assess(study(), Workspace(finished))}
    assert verdicts[TRAIN].action == "run"


def test_a_copied_run_folder_is_not_taken_for_a_run(finished: Path) -> None:
    folder = read_pointer(finished / "outputs/a_toy/run_seed0")
    assert folder is not None
    shutil.copytree(folder, folder.parent / "9999-copy")
    runs = list(finished_runs(TRAIN, Workspace(finished)))
    assert [Path(run.run).name for run in runs] == [folder.name]
