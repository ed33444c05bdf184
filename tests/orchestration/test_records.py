from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.jobs import Artefact, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration import lease
from epuredgm.orchestration.lease import Beat, Identity, beat_path, is_alive
from epuredgm.orchestration.records import Attempt, Record, Records, evaluated_runs, overview, status_of

artefacts = st.builds(Artefact, st.text(), st.text(), st.integers(0), st.integers(0))
words = {"host": st.text(), "boot": st.text(), "token": st.text()}
attempts = st.builds(Attempt, start=st.just("2026-01-01T00:00:00+00:00"), **words)
records = st.builds(
    Record,
    key=st.just("evaluate/a_toy/seed0"),
    stage=st.sampled_from(Stage),
    hashed=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()),
    inputs=st.dictionaries(st.text(), artefacts, max_size=2),
    outputs=st.dictionaries(st.text(), artefacts, max_size=2),
    attempts=st.lists(attempts, max_size=2).map(tuple),
    schema=st.just(1),
)


def record(**about: object) -> Record:
    plain = Record("train/a_toy/seed0", Stage.TRAIN, "toy", "a", 0, None, "full", "f", {}, "started")
    return replace(plain, **about)  # type: ignore[arg-type]


@given(records)
def test_a_record_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, written: Record
) -> None:
    workspace = Workspace(tmp_path_factory.getbasetemp())
    written.write(workspace)
    assert Record.read(workspace.record(written.key)) == written


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"schema": 1}', '{"schema": 99}', '"text"', "\x00\x00", "null"]
)
def test_a_damaged_record_counts_as_absent_and_is_told(tmp_path: Path, content: str) -> None:
    workspace = Workspace(tmp_path)
    place = workspace.record("train/a_toy/seed0")
    place.parent.mkdir(parents=True)
    place.write_text(content)
    with pytest.raises(CorruptArtefact):
        Record.read(place)
    known = Records(workspace)
    assert known.get("train/a_toy/seed0") is None
    assert known.all() == ()
    assert len(known.faults) == 1
    assert str(place) in known.faults[0]


@pytest.mark.parametrize("field", [field.name for field in fields(Record)])
@pytest.mark.parametrize("wrong", [[1], {"a": 1}, True])
def test_a_value_of_another_type_is_noticed(tmp_path: Path, field: str, wrong: object) -> None:
    workspace = Workspace(tmp_path)
    whole = record(attempts=(Attempt.begin(),))
    whole.write(workspace)
    place = workspace.record(whole.key)
    content = read_json(place)
    if field == "hashed" and isinstance(wrong, dict):
        return  # the one field that takes any mapping
    write_json(place, {**content, field: wrong})
    assert Records(workspace).get(whole.key) is None


def test_every_truncation_of_a_record_is_noticed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    whole = record(attempts=(Attempt.begin(),))
    whole.write(workspace)
    place = workspace.record(whole.key)
    text = place.read_text()
    for length in range(len(text.rstrip()) - 1):
        place.write_text(text[:length])
        assert Records(workspace).get(whole.key) is None


class TestLiveness:
    """A dead process never shows as running."""

    def test_this_process_runs(self, tmp_path: Path) -> None:
        assert status_of(record(attempts=(Attempt.begin(),)), Workspace(tmp_path)) == "running"

    @pytest.mark.parametrize("lie", [{"token": "1"}, {"boot": "another boot"}, {"pid": 2**22 + 1}])
    def test_another_process_with_its_number_is_not_it(self, tmp_path: Path, lie: dict[str, object]) -> None:
        attempt = replace(Attempt.begin(), **lie)  # type: ignore[arg-type]
        assert status_of(record(attempts=(attempt,)), Workspace(tmp_path)) == "lost"

    def test_a_killed_process_does_not_run_even_before_it_is_reaped(self) -> None:
        process = subprocess.Popen(["sleep", "60"])
        token = lease.start_token(process.pid)
        assert token is not None
        who = Identity(lease.host_name(), lease.boot_id(), process.pid, token)
        assert is_alive(who)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table
        assert not is_alive(who)
        process.wait()
        assert not is_alive(who)

    @pytest.mark.parametrize("hours", [-1000, 0, 1000])
    def test_on_another_host_a_heartbeat_that_changes_decides_whatever_its_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
    ) -> None:
        monkeypatch.setattr(lease, "GLANCE_SECONDS", 0.01)
        workspace, watch = Workspace(tmp_path), lease.Watch(look=0.1)
        away = record(attempts=(replace(Attempt.begin(), host="elsewhere"),))
        assert status_of(away, workspace, watch) == "lost"
        beat = beat_path(workspace.record(away.key))
        away.write(workspace)
        when = time.time() + 3600 * hours

        def tell(done: int) -> None:
            Beat(done, 2, "epoch").write(beat)
            os.utime(beat, (when, when))

        tell(0)
        assert status_of(away, workspace, lease.Watch(look=0.1)) == "lost"  # nothing changed while we looked
        timer = threading.Timer(0.1, tell, [1])
        timer.start()
        watch = lease.Watch(look=5)
        assert status_of(away, workspace, watch) == "running"
        timer.join()
        assert status_of(away, workspace, watch) == "running"  # it was seen
        monkeypatch.setattr(lease, "LEASE_SECONDS", 0.0)
        assert status_of(away, workspace, watch) == "lost"  # and has been silent since

    def test_many_on_another_host_are_looked_at_together(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = Workspace(tmp_path)
        for seed in range(30):
            about = {"key": f"train/a_toy/seed{seed}", "seed": seed}
            record(attempts=(replace(Attempt.begin(), host="elsewhere"),), **about).write(workspace)
        looked: list[float] = []
        monkeypatch.setattr(lease.time, "sleep", looked.append)
        clock = iter(range(10_000))
        monkeypatch.setattr(lease.time, "monotonic", lambda: next(clock) * 0.1)
        rows = overview(workspace, lease.Watch(look=10))
        assert {status for _, status, _ in rows} == {"lost"}
        assert len(looked) < 60  # not thirty times ten seconds

    @pytest.mark.parametrize("status", ["done", "failed", "interrupted"])
    def test_what_ended_is_not_asked(self, tmp_path: Path, status: str) -> None:
        assert status_of(record(status=status, attempts=(Attempt.begin(),)), Workspace(tmp_path)) == status

    def test_an_attempt_whose_end_is_known_does_not_run(self, tmp_path: Path) -> None:
        ended = record(attempts=(Attempt.begin(),)).ended("started", "killed by signal 9")
        assert status_of(ended, Workspace(tmp_path)) == "lost"


def test_overview_tells_how_far_a_running_job_is(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    record(attempts=(Attempt.begin(),)).write(workspace)
    record(key="prepare/toy", stage=Stage.PREPARE, model=None, seed=None, status="done").write(workspace)
    Beat(3, 10, "epoch", {"loss": 0.5}).write(beat_path(workspace.record("train/a_toy/seed0")))
    (prepare, status, nothing), (train, running, beat) = overview(workspace)
    assert (prepare.key, status, nothing) == ("prepare/toy", "done", None)
    assert (train.key, running) == ("train/a_toy/seed0", "running")
    assert beat is not None
    assert (beat.done, beat.total, beat.what, beat.figures) == (3, 10, "epoch", {"loss": 0.5})


def test_a_damaged_heartbeat_is_no_heartbeat(tmp_path: Path) -> None:
    for content in ("", "[]", json.dumps({"colour": 1}), json.dumps({"done": "much", "what": 1})):
        (tmp_path / "x.beat").write_text(content)
        assert Beat.read(tmp_path / "x.beat") is None


def test_evaluated_runs_are_those_that_are_done(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for model, seed, status, dataset in (
        ("b", 1, "done", "toy"),
        ("a", 0, "done", "toy"),
        ("a", 1, "failed", "toy"),
        ("a", 2, "done", "epure"),
    ):
        key = f"evaluate/{model}_{dataset}/seed{seed}"
        about = {"model": model, "seed": seed, "status": status, "dataset": dataset}
        record(key=key, stage=Stage.EVALUATE, **about).write(workspace)
    assert evaluated_runs(workspace, "toy") == (("a", 0), ("b", 1))


def test_working_time_adds_up_over_attempts() -> None:
    once = record(attempts=(Attempt.begin(),)).ended("interrupted", "interrupted", 10.0)
    again = replace(once, attempts=(*once.attempts, Attempt.begin())).ended("done", "ok", 5.0)
    assert again.seconds == 15.0
    assert [attempt.exit_class for attempt in again.attempts] == ["interrupted", "ok"]


def test_other_files_among_the_records_are_no_records(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    record(status="done").write(workspace)
    write_json(workspace.record("train/a_toy/seed0").with_suffix(".beat"), {})
    assert [found.key for found in Records(workspace).all()] == ["train/a_toy/seed0"]
