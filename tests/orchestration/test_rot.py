"""A bit that flips on the disk, with size and time as before: noticed, told, and mended by the next run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from orchestration_fakes import go, ran, results, study

from epuredgm.cli.checks import Check
from epuredgm.cli.deep import deep_checks
from epuredgm.core.jobs import Job, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration import artefacts
from epuredgm.orchestration.assess import assess
from epuredgm.orchestration.records import Record

TRAIN, EVALUATE = "train/a_toy/seed0", "evaluate/a_toy/seed0"
DIFFERENT = study("a", sampling__guidance=2.0)
MAKERS = {
    "weights": (TRAIN, "weights"),
    "designs": ("prepare/toy", "designs"),
    "reference": ("reference/toy", "reference"),
    "samples": ("sample/a_toy/seed0/conditional", "samples"),
}


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fakes write little: here all of it counts as large, in this process."""
    monkeypatch.setattr(artefacts, "SMALL", 0)


def flip(root: Path, key: str, output: str) -> Path:
    """Flip one bit of what a job made; size and times stay."""
    place = root / Record.read(Workspace(root).record(key)).outputs[output].path
    path = next(iter(sorted(each for each in place.rglob("*") if each.is_file())), place)
    about, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    return place


def to_do(root: Path, jobs: tuple[Job, ...] | None = None) -> set[str]:
    return {a.job.key for a in assess(jobs or study(), Workspace(root)) if a.to_do}


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_found_damaged_when_it_is_used_is_made_again_in_the_same_run(
    finished: Path, name: str
) -> None:
    made = results(finished)
    key, output = MAKERS[name]
    place = flip(finished, key, output)
    assert to_do(finished) == set()  # nobody has looked
    changed = {
        "samples": study("a", evaluation__bootstrap=7),
        "reference": study("a", evaluation__bootstrap=7),
    }
    outcome, witness = go(finished, changed.get(name, DIFFERENT))
    assert outcome.exit_code == 0, outcome.failures
    assert ran(finished).count(key) == 1
    assert [note for note in witness.notes if str(place.relative_to(finished)) in note]
    assert go(finished)[0].exit_code == 0
    assert results(finished) == made


def test_what_is_not_planned_is_made_again_by_the_run_that_plans_it(finished: Path) -> None:
    place = flip(finished, TRAIN, "weights")
    jobs = tuple(job for job in DIFFERENT if job.stage in (Stage.SAMPLE, Stage.EVALUATE))
    outcome, _ = go(finished, jobs)
    assert outcome.exit_code == 1
    assert str(place) in next(iter(outcome.failures.values()))
    assert TRAIN in to_do(finished)  # what was found is known from now on, and no file need be removed
    assert go(finished)[0].exit_code == 0
    assert ran(finished).count(TRAIN) == 1


def test_damage_that_comes_back_ends_in_a_failure(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(finished, TRAIN, "weights")
    monkeypatch.setattr("epuredgm.orchestration.execute.TRIES", 1)
    outcome, _ = go(finished, DIFFERENT)
    assert outcome.exit_code == 1
    assert ran(finished).count(TRAIN) == 0


@pytest.mark.parametrize(
    ("key", "output"),
    [(EVALUATE, "result"), (EVALUATE, "resamples"), ("aggregate/toy", "summary"), ("report/toy", "page")],
)
def test_results_are_always_read(finished: Path, key: str, output: str) -> None:
    made = results(finished)
    place = flip(finished, key, output)
    assert key in to_do(finished)
    outcome, witness = go(finished)
    assert outcome.exit_code == 0
    assert key in ran(finished)
    assert [note for note in witness.notes if f"{place.relative_to(finished)} is changed" in note]
    assert results(finished) == made


def test_small_files_are_always_read(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts, "SMALL", 1 << 18)
    flip(finished, TRAIN, "config")
    assert TRAIN in to_do(finished)


def test_a_deep_look_finds_all_and_the_next_run_mends_it(finished: Path) -> None:
    made = results(finished)
    workspace = Workspace(finished)
    assert [check.status for check in deep_checks(workspace, silent=True)] == ["ok"]
    places = [flip(finished, *MAKERS[name]) for name in ("weights", "reference")]
    places.append(flip(finished, "aggregate/toy", "summary"))
    (finished / "samples/a_toy/conditional/run_seed0/samples.npz").unlink()
    found: list[Check] = list(deep_checks(workspace, silent=True))
    assert {check.status for check in found} == {"failed"}
    told = " ".join(check.message for check in found)
    assert all(str(place.relative_to(finished)) in told for place in places)
    assert len(found) == 4
    assert {TRAIN, "reference/toy", "aggregate/toy", "sample/a_toy/seed0/conditional"} <= to_do(finished)
    assert go(finished)[0].exit_code == 0
    assert results(finished) == made
    assert [check.status for check in deep_checks(workspace, silent=True)] == ["ok"]


def test_a_deep_look_reads_earlier_runs_and_names_records_that_cannot_be_read(finished: Path) -> None:
    place = flip(finished, TRAIN, "weights")
    go(finished, study("a", training__batch_size=32))
    workspace = Workspace(finished)
    workspace.record("report/toy").write_text("{")
    found = [check.message for check in deep_checks(workspace, silent=True)]
    assert any(str(place.relative_to(finished)) in text for text in found)
    assert any(str(workspace.record("report/toy")) in text for text in found)
