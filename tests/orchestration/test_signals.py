"""Whatever signal asks for an end: a study saves and is closed, and a light command leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from orchestration_fakes import ran, start, steer

from epuredgm.cli.status import _rows as rows
from epuredgm.core.files import read_json
from epuredgm.core.places import Workspace
from epuredgm.core.stops import Stopped, raising
from epuredgm.orchestration.lease import Watch
from epuredgm.orchestration.locks import hold, holder
from epuredgm.orchestration.records import Records, overview
from epuredgm.orchestration.signals import StopRequests
from epuredgm.orchestration.state import read_state

TRAIN = "train/a_toy/seed0"


def wait_for(condition: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def trains(root: Path) -> bool:
    return any(root.glob("outputs/a_toy/*/check/state.json"))


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


@pytest.mark.parametrize("to", ["the orchestrator", "the whole group"])
@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"])
def test_whatever_asks_for_an_end_it_is_saved(tmp_path: Path, name: str, to: str) -> None:
    number = getattr(signal, name)
    process = start(tmp_path, step_seconds=0.2)
    wait_for(lambda: trains(tmp_path) and Workspace(tmp_path).record(TRAIN).exists())
    for _ in range(2):  # a closing terminal signals twice, and must not cost what is being saved
        (process.send_signal if to == "the orchestrator" else lambda n: os.killpg(process.pid, n))(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 128 + number, output
    record = Records(Workspace(tmp_path)).get(TRAIN)
    assert record is not None
    assert (record.status, record.last and record.last.exit_class) == ("interrupted", "interrupted")
    state = read_state(Workspace(tmp_path))
    assert state is not None
    assert state["exit_code"] == 128 + number
    assert name in next(tmp_path.glob("logs/pipeline/2*/pipeline.log")).read_text()


def test_under_nohup_a_hang_up_disturbs_nobody(tmp_path: Path) -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(tmp_path, step_seconds=0.01)
    finally:
        signal.signal(signal.SIGHUP, former)
    wait_for(lambda: trains(tmp_path))
    os.killpg(process.pid, signal.SIGHUP)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert set(ran(tmp_path)) >= {TRAIN, "report/toy"}


class TestOrders:
    """Warnings ask to save, however often they come; only a person's second word ends at once."""

    @pytest.mark.parametrize(
        ("first", "second", "at_once"),
        [
            (signal.SIGINT, signal.SIGINT, True),
            (signal.SIGTERM, signal.SIGTERM, True),
            (signal.SIGTERM, signal.SIGINT, True),
            (signal.SIGHUP, signal.SIGINT, True),
            (signal.SIGHUP, signal.SIGHUP, False),
            (signal.SIGUSR2, signal.SIGTERM, False),
            (signal.SIGTERM, signal.SIGUSR1, False),
        ],
    )
    def test_after_the_first_was_answered(self, first: int, second: int, at_once: bool) -> None:
        with StopRequests() as requests:
            signal.raise_signal(first)
            assert (requests.signal, requests.at_once) == (first, False)
            requests.answered = True
            signal.raise_signal(second)
            assert (requests.signal, requests.at_once, requests.count) == (first, at_once, 2)

    def test_what_comes_twice_in_a_row_is_one_request(self) -> None:
        with StopRequests() as requests:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            assert not requests.at_once

    def test_handlers_come_back(self) -> None:
        before = [signal.getsignal(number) for number in signal.valid_signals()]
        with raising(), StopRequests():
            assert before != [signal.getsignal(number) for number in signal.valid_signals()]
        assert before == [signal.getsignal(number) for number in signal.valid_signals()]

    def test_a_light_command_is_told_where_it_is(self) -> None:
        with pytest.raises(Stopped, match="SIGUSR1"), raising():
            signal.raise_signal(signal.SIGUSR1)


CHILD = """
import os, sys, time
from pathlib import Path
from epuredgm.stages.tool import serve
def work(request, monitor):
    Path(request["pid"]).write_text(str(os.getpid()))
    if request["killed"]:
        os.kill(os.getpid(), 9)
    time.sleep(60)
    return {}
sys.exit(serve({"work": work}))
"""
PARENT = """
import sys
from epuredgm import cli
from epuredgm.cli.errand import errand
import json, types
module = types.ModuleType("epuredgm.cli.completion")
import click
@click.command()
def command():
    errand("slow_child", {"task": "work", **json.loads(sys.argv[1])})
module.command = command
sys.modules["epuredgm.cli.completion"] = module
cli.main(["completion"])
"""


def light(folder: Path, **request: object) -> subprocess.Popen[str]:
    """A light command whose child does heavy work, through the real entry point."""
    (folder / "slow_child.py").write_text(CHILD)
    request = {"pid": str(folder / "pid"), "killed": False, **request}
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, json.dumps(request)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )


@pytest.mark.parametrize("to", ["the command", "the whole group"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_a_light_command_ends_with_its_child(tmp_path: Path, name: str, to: str) -> None:
    number = getattr(signal, name)
    process = light(tmp_path)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    (process.send_signal if to == "the command" else lambda n: os.killpg(process.pid, n))(number)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 128 + number, output
    assert "Traceback" not in output
    assert "memory" not in output
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_child_that_is_killed_is_said_to_be(tmp_path: Path) -> None:
    process = light(tmp_path, killed=True)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert output.strip() == "error: the process that did the work was killed by SIGKILL"


class TestWhileTheServerImports:
    """The workers' server answers nobody while it imports torch, which takes up to half a minute."""

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
    def test_a_request_to_stop_is_heard(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "slow_import.py").write_text("import time\ntime.sleep(300)\n")
        number = getattr(signal, name)
        root = tmp_path / "workspace"
        root.mkdir()
        process = start(root, preload=["slow_import"], search=str(tmp_path))
        wait_for(lambda: any(root.glob("logs/pipeline/2*/plan.json")))
        process.send_signal(number)
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 128 + number, output
        assert "Traceback" not in output
        (state,) = (read_json(file) for file in root.glob("logs/pipeline/2*/state.json"))
        assert (state["exit_code"], state["ended"] is None) == (128 + number, False)
        assert holder(Workspace(root)) is None
        with hold(Workspace(root), "", wait=False, say=print):
            assert ran(root) == []

    def test_a_server_that_dies_is_one_message(self, tmp_path: Path) -> None:
        (tmp_path / "fatal_import.py").write_text("import os\nos._exit(1)\n")
        root = tmp_path / "workspace"
        root.mkdir()
        process = start(root, preload=["fatal_import"], search=str(tmp_path))
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "server died" in output
        assert "Traceback" not in output


class TestAWorkerThatHangs:
    """Judged by what the orchestrator itself hears, never by clocks."""

    def test_it_is_shown_then_ended_and_tried_again(self, tmp_path: Path) -> None:
        process = start(tmp_path, step_seconds=0.2, hang_seconds=3.0, models="a")
        wait_for(lambda: trains(tmp_path))
        (pid,) = pids(tmp_path)
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: "hanging" in {row.status for row in rows(Workspace(tmp_path), Watch())})
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        record = Records(Workspace(tmp_path)).get(TRAIN)
        assert record is not None
        first, second = record.attempts
        assert (first.exit_class, second.exit_class) == ("hung", "ok")
        assert first.error is not None
        assert "no sign of life" in first.error
        assert gone(pid)

    def test_a_job_that_hangs_every_time_has_failed(self, tmp_path: Path) -> None:
        steer(tmp_path, prepare__toy="stop")
        process = start(tmp_path, hang_seconds=3.0)
        process.communicate(timeout=60)
        assert process.returncode == 1
        state = read_state(Workspace(tmp_path))
        assert state is not None
        assert state["failed"]["prepare"] == ["toy"]
        assert "hung" in state["jobs"]["prepare/toy"]["error"]

    def test_a_pause_of_the_orchestrator_ends_no_worker(self, tmp_path: Path) -> None:
        process = start(tmp_path, step_seconds=0.1, hang_seconds=4.0, models="a")
        wait_for(lambda: trains(tmp_path))
        process.send_signal(signal.SIGSTOP)
        time.sleep(9.0)  # longer than what ends a silent worker
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        record = Records(Workspace(tmp_path)).get(TRAIN)
        assert record is not None
        assert len(record.attempts) == 1


def pids(root: Path) -> list[int]:
    return [r.last.pid for r, status, _ in overview(Workspace(root)) if status == "running" and r.last]
