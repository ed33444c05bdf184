"""Killed anywhere, stopped anywhere: the same command, given again, ends with the same results."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from orchestration_fakes import go, ran, results, start, steer, study

from epuredgm.core.errors import BadRequest
from epuredgm.core.places import Workspace
from epuredgm.orchestration.locks import hold, holder
from epuredgm.orchestration.records import Records, overview, status_of

TRAIN = "train/a_toy/seed0"


def wait_for(condition: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def statuses(root: Path) -> set[str]:
    return {status for _, status, _ in overview(Workspace(root))}


def group_is_gone(group: int) -> bool:
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return False
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return True


@pytest.mark.slow
def test_the_orchestrator_is_killed_at_random_moments(tmp_path: Path, finished: Path) -> None:
    root, rng, codes = tmp_path / "killed", random.Random(7), []
    root.mkdir()
    while 0 not in codes:
        process, begun = start(root, step_seconds=0.01), len(ran(root))
        goal = begun + rng.randint(1, 4)
        wait_for(lambda p=process, n=goal: p.poll() is not None or len(ran(root)) >= n)
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate()
        wait_for(lambda group=process.pid: group_is_gone(group), 20)
        assert "running" not in statuses(root)
        codes.append(process.returncode)
    assert -9 in codes
    assert results(root) == results(finished)
    assert len(list((root / "outputs").glob("*/20*"))) == 2  # every training went on in its own folder


@pytest.mark.slow
def test_jobs_are_killed_at_random_moments(tmp_path: Path, finished: Path) -> None:
    root, rng, kills, code = tmp_path / "killed", random.Random(8), 0, 1
    root.mkdir()
    while code:
        process = start(root, step_seconds=0.02)
        while process.poll() is None:
            time.sleep(rng.uniform(0, 0.2))
            for record, status, _beat in overview(Workspace(root)):
                if status == "running" and record.last is not None and kills < 12:
                    kills += 1
                    os.kill(record.last.pid, signal.SIGKILL)
        process.communicate()
        code = process.returncode
        assert code in (0, 1)
    assert kills
    assert results(root) == results(finished)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("to", ["the orchestrator", "the whole group"])
def test_asked_to_stop_it_saves_and_ends(
    tmp_path: Path, finished: Path, number: int, code: int, to: str
) -> None:
    root = tmp_path / "stopped"
    root.mkdir()
    process = start(root, step_seconds=0.2)
    place = Workspace(root).record(TRAIN)
    wait_for(lambda: any(root.glob("outputs/a_toy/*/check/state.json")) and place.exists())
    if to == "the orchestrator":
        process.send_signal(number)
    else:  # as a terminal does
        os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == code, output
    assert "interrupted" in output
    wait_for(lambda: group_is_gone(process.pid), 10)
    record = Records(Workspace(root)).get(TRAIN)
    assert record is not None
    assert record.status == "interrupted"
    assert go(root)[0].exit_code == 0
    assert results(root) == results(finished)
    assert len(list((root / "outputs/a_toy").glob("20*"))) == 1


def test_asked_twice_it_ends_at_once(tmp_path: Path) -> None:
    process = start(tmp_path, step_seconds=30)
    wait_for(lambda: any(tmp_path.glob("outputs/a_toy/*/check/state.json")))
    process.send_signal(signal.SIGINT)
    wait_for(lambda: "stopping" in next(tmp_path.glob("logs/pipeline/2*/pipeline.log")).read_text())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    wait_for(lambda: group_is_gone(process.pid), 10)
    record = Records(Workspace(tmp_path)).get(TRAIN)
    assert record is not None
    assert status_of(record, Workspace(tmp_path)) == "interrupted"


@pytest.mark.slow
def test_a_worker_that_outlives_its_orchestrator_is_waited_for(tmp_path: Path) -> None:
    """The job's own lock: a stopped worker notices the death of its orchestrator only when it goes on."""
    process = start(tmp_path, step_seconds=0.05)
    workspace = Workspace(tmp_path)
    wait_for(lambda: TRAIN in ran(tmp_path))
    (pid,) = (row[0].last.pid for row in overview(workspace) if row[1] == "running" and row[0].last)
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    process.kill()
    process.wait()  # its output stays open as long as the worker lives
    second = start(tmp_path)
    wait_for(lambda: len(list(tmp_path.glob("logs/pipeline/2*/training/a_seed0.log"))) == 2)
    time.sleep(0.5)
    assert ran(tmp_path).count(TRAIN) == 1
    os.kill(pid, signal.SIGCONT)
    process.communicate()
    second.communicate()
    assert second.returncode == 0
    assert ran(tmp_path).count(TRAIN) == 2


class TestTwoAtOnce:
    """Two runs never do one job twice."""

    @pytest.mark.slow
    def test_the_second_waits_and_finds_all_done(self, tmp_path: Path) -> None:
        racers = [start(tmp_path, step_seconds=0.01, wait=True) for _ in range(4)]
        for racer in racers:
            output, _ = racer.communicate()
            assert racer.returncode == 0, output
        assert Counter(ran(tmp_path)) == dict.fromkeys((job.key for job in study()), 1)

    def test_or_says_who_is_at_work(self, tmp_path: Path) -> None:
        steer(tmp_path, prepare__toy="hang")
        first = start(tmp_path, command="the first command")
        wait_for(lambda: ran(tmp_path))
        second = start(tmp_path)
        output, _ = second.communicate()
        assert second.returncode == 2
        assert f"process {first.pid}" in output
        assert "the first command" in output
        assert "Traceback" not in output
        found = holder(Workspace(tmp_path))
        assert found is not None
        assert found.pid == first.pid
        first.send_signal(signal.SIGINT)
        first.communicate()

    def test_a_dead_holder_blocks_nobody(self, tmp_path: Path) -> None:
        steer(tmp_path, prepare__toy="hang")
        first = start(tmp_path)
        wait_for(lambda: ran(tmp_path))
        first.kill()
        first.communicate()
        assert holder(Workspace(tmp_path)) is None
        (tmp_path / "fake.json").unlink()
        assert go(tmp_path)[0].exit_code == 0

    def test_branches_do_not_disturb_each_other(self, tmp_path: Path) -> None:
        said: list[str] = []
        one, other = Workspace(tmp_path), Workspace(tmp_path, "test_runs")
        with ExitStack() as stack:
            for workspace in (one, other):
                stack.enter_context(hold(workspace, "", wait=False, say=said.append))
            with pytest.raises(BadRequest, match="another run"):
                stack.enter_context(hold(one, "", wait=False, say=said.append))
        assert said == []
        assert holder(one) is None
