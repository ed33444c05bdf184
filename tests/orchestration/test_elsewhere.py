"""Other hosts and disks without locks: nothing is done twice, and no clock of another machine is believed."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from orchestration_fakes import go, ran, start, steer, study

from epuredgm.core.errors import BadRequest
from epuredgm.core.files import write_json
from epuredgm.core.places import Workspace
from epuredgm.orchestration import lease
from epuredgm.orchestration.archive import save
from epuredgm.orchestration.assess import assess
from epuredgm.orchestration.lease import Beat, Identity, beat_path
from epuredgm.orchestration.locks import hold, holder
from epuredgm.orchestration.records import Record
from epuredgm.orchestration.soft_lease import REFUSED, Lease, SoftLease

TRAIN, CONDITIONAL = "train/a_toy/seed0", "sample/a_toy/seed0/conditional"
AWAY = Identity("elsewhere", "its boot", 17, "its start")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LOOK_SECONDS", 0.5)


def begun_elsewhere(root: Path, key: str = TRAIN) -> None:
    """Make a finished job one that another host has begun and not ended."""
    workspace = Workspace(root)
    record = Record.read(workspace.record(key))
    attempt = replace(record.attempts[-1], host="elsewhere", end=None, exit_class=None, seconds=None)
    workspace.done(key).unlink(missing_ok=True)
    save(replace(record, status="started", outputs={}, attempts=(attempt,)), workspace)


@contextmanager
def beating(root: Path, key: str = TRAIN, first: float = 0.0) -> Iterator[None]:
    """A job that lives: its heartbeat changes, with a time of long ago; the first after some seconds."""
    over, place = threading.Event(), beat_path(Workspace(root).record(key))

    def beat() -> None:
        count = 0
        over.wait(first)
        while not over.wait(0.05):
            count += 1
            Beat(count, 100, "epoch").write(place)
            os.utime(place, (1e9, 1e9))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class TestAJobThatAnotherHostRuns:
    @pytest.mark.parametrize("key", [TRAIN, CONDITIONAL])
    def test_is_not_run_here(self, finished: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
        monkeypatch.setattr(lease, "LOOK_SECONDS", 60)  # looking ends when the first beat is seen
        begun_elsewhere(finished, key)
        with beating(finished, key):
            verdicts = {a.job.key: a for a in assess(study("a"), Workspace(finished))}
            assert verdicts[key].action == "blocked"
            assert "process" in verdicts[key].reasons[0]
            assert "on elsewhere" in verdicts[key].reasons[0]
            outcome, witness = go(finished, study("a"))
        assert outcome.exit_code == 1
        assert key not in ran(finished)
        assert "on elsewhere" in str(witness.errors[key])

    def test_also_if_its_record_and_its_heartbeat_are_lost(
        self, finished: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lease, "LOOK_SECONDS", 60)
        begun_elsewhere(finished)
        place = Workspace(finished).record(TRAIN)
        place.unlink()
        beat_path(place).unlink(missing_ok=True)  # it comes back with the next beat
        with beating(finished, first=1.0):
            verdicts = {a.job.key: a for a in assess(study("a"), Workspace(finished))}
        assert verdicts[TRAIN].action == "blocked"

    def test_when_it_has_died_it_goes_on_here(self, finished: Path) -> None:
        begun_elsewhere(finished)
        Beat(3, 100, "epoch").write(beat_path(Workspace(finished).record(TRAIN)))
        ahead = time.time() + 1e6
        os.utime(beat_path(Workspace(finished).record(TRAIN)), (ahead, ahead))  # its clock was ahead of ours
        assert {a.job.key: a.action for a in assess(study("a"), Workspace(finished))}[TRAIN] == "resume"
        assert go(finished, study("a"))[0].exit_code == 0


class TestDisksWithoutLocks:
    @pytest.mark.parametrize("number", sorted(set(REFUSED)))
    def test_one_at_a_time_with_one_note(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        monkeypatch.setattr("fcntl.flock", _refusing(number))
        said: list[str] = []
        workspace = Workspace(tmp_path)
        with hold(workspace, "the first", wait=False, say=said.append):
            found = holder(workspace)
            assert found is not None
            assert found.command == "the first"
            with (
                pytest.raises(BadRequest, match="another run"),
                hold(workspace, "the second", wait=False, say=lambda text: None),
            ):
                pass
        assert len(said) == 1
        assert "without locks" in said[0]
        assert list(workspace.private.glob("*lease*")) == []
        with hold(workspace, "the third", wait=False, say=said.append):
            pass

    def test_other_faults_of_locks_are_faults(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fcntl.flock", _refusing(errno.EIO))
        with pytest.raises(OSError, match="no locks"), hold(Workspace(tmp_path), "", wait=False, say=print):
            pass

    def test_the_lease_of_a_dead_process_is_taken_over_at_once(self, tmp_path: Path) -> None:
        dead = replace(Identity.own(), token="another start")
        write_json(tmp_path / "x.lease", asdict(Lease(**asdict(dead))))
        assert SoftLease(tmp_path / "x.lease").acquire(0)

    def test_the_lease_of_another_host_is_respected_while_it_changes(self, tmp_path: Path) -> None:
        path, over = tmp_path / "x.lease", threading.Event()

        def renew() -> None:
            beats = 0
            while not over.wait(0.02):
                beats += 1
                write_json(path, asdict(Lease(**asdict(AWAY), beats=beats)))

        renew_thread = threading.Thread(target=renew)
        write_json(path, asdict(Lease(**asdict(AWAY))))
        renew_thread.start()
        waiting = SoftLease(path)
        assert not waiting.acquire(0)
        over.set()
        renew_thread.join()
        assert not waiting.acquire(0)  # it was seen a moment ago
        taker = SoftLease(path)
        assert taker.acquire(0)  # who comes later sees nothing change
        taker.release()
        assert not path.exists()

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"host": 1}'])
    def test_a_file_that_is_no_lease_is_no_lease(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "x.lease").write_text(content)
        lease_of_ours = SoftLease(tmp_path / "x.lease")
        assert lease_of_ours.acquire(0)
        lease_of_ours.release()

    def test_many_that_come_at_once_are_let_in_one_by_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Threads stand for processes: each claims to be another."""
        local, inside, most = threading.local(), [], [0]
        monkeypatch.setattr("epuredgm.orchestration.soft_lease.POLL_SECONDS", 0.01)
        monkeypatch.setattr(
            Identity, "own", classmethod(lambda cls: replace(me, token=getattr(local, "name", me.token)))
        )
        me = Identity(lease.host_name(), lease.boot_id(), os.getpid(), lease.start_token(os.getpid()) or "")
        monkeypatch.setattr(lease, "is_alive", lambda process: True)

        def work(number: int) -> None:
            local.name = f"thread {number}"
            mine = SoftLease(tmp_path / "x.lease")
            assert mine.acquire(None)
            inside.append(number)
            most[0] = max(most[0], len(inside))
            time.sleep(0.01)
            inside.remove(number)
            mine.release()

        threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == [1]

    def test_a_study_is_done_killed_and_gone_on_with(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAKE_NO_LOCKS", str(errno.ENOLCK))
        steer(tmp_path, prepare__toy="hang")
        first = start(tmp_path, command="the first command", models="a")
        deadline = time.monotonic() + 60
        while not ran(tmp_path):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        second = start(tmp_path, models="a")
        output, _ = second.communicate()
        assert second.returncode == 2
        assert "the first command" in output
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        (tmp_path / "fake.json").unlink()
        third = start(tmp_path, models="a")
        output, _ = third.communicate()
        assert third.returncode == 0, output
        assert "Traceback" not in output
        assert output.count("without locks") == 1
        counts = Counter(ran(tmp_path))
        assert counts.pop("prepare/toy") == 2
        assert set(counts.values()) == {1}


def _refusing(number: int) -> object:
    def flock(*_: object) -> None:
        raise OSError(number, "no locks here")

    return flock
