"""Whatever becomes of the terminal, the study goes on and the log is kept."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from orchestration_fakes import ran, study

from epuredgm.core.places import Workspace
from epuredgm.orchestration.state import read_state

TESTS = Path(__file__).parent
SHOWN = """
import sys
from pathlib import Path
from epuredgm.cli.display import display
from epuredgm.core.streams import never_waiting, settle
from orchestration_fakes import go, study

settle()
view = display(len(study()))
print(type(view).__name__, "speaks", flush=True)
with never_waiting(sys.stderr):
    outcome, _ = go(Path(sys.argv[1]), observer=view)
view.say(outcome.text())
print(outcome.text(), flush=True)
sys.exit(outcome.exit_code)
"""
OWN_DISPLAY = """
import sys
from pathlib import Path
from orchestration_fakes import Witness, go

class Loud(Witness):
    def job_started(self, job):
        print(job.key, flush=True)

print("Loud", "speaks", flush=True)
sys.exit(go(Path(sys.argv[1]), observer=Loud())[0].exit_code)
"""


def on_a_terminal(code: str, root: Path, **environment: str) -> tuple[subprocess.Popen[bytes], int]:
    """The study of the fakes with a terminal of its own for everything; returns the terminal's other end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(root)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={
            **os.environ,
            "PYTHONPATH": str(TESTS),
            "FAKE_STEP_SECONDS": "0.02",
            "TERM": "xterm",
            **environment,
        },
    )
    os.close(theirs)
    return process, ours


def read_until(terminal: int, text: bytes) -> bytes:
    seen = b""
    deadline = time.monotonic() + 60
    while text not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
    return seen


def require_complete(root: Path) -> str:
    """The study is done, and the log of it is whole; returns the log."""
    assert sorted(ran(root)) == sorted(job.key for job in study())
    state = read_state(Workspace(root))
    assert state is not None
    assert state["exit_code"] == 0
    log = next(root.glob("logs/pipeline/2*/pipeline.log")).read_text()
    assert all(f"done         {job.key}" in log for job in study())
    return log


@pytest.mark.parametrize(
    ("code", "terminal", "display"),
    [(SHOWN, "xterm", b"Panel"), (SHOWN, "dumb", b"Panel"), (OWN_DISPLAY, "xterm", b"Loud")],
)
def test_the_terminal_closes_in_the_middle(tmp_path: Path, code: str, terminal: str, display: bytes) -> None:
    process, ours = on_a_terminal(code, tmp_path, TERM=terminal)
    read_until(ours, display + b" speaks")
    read_until(ours, b"train/a_toy/seed0")
    os.close(ours)
    assert process.wait(timeout=60) == 0
    log = require_complete(tmp_path)
    assert ("nothing is shown any more" in log) == (code is OWN_DISPLAY)


@pytest.mark.parametrize("kind", ["terminal", "pipe"])
def test_what_takes_nothing_more_holds_up_nothing(tmp_path: Path, kind: str) -> None:
    """A paused terminal, a reader that is asleep: full from the start."""
    reading, writing = pty.openpty() if kind == "terminal" else os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 512)
    os.set_blocking(writing, True)
    process = subprocess.Popen(
        [sys.executable, "-c", SHOWN.replace("view.say(outcome.text())", ""), str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=writing,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(TESTS), "TERM": "xterm"},
    )
    os.close(writing)
    assert process.wait(timeout=60) == 0
    require_complete(tmp_path)
    os.close(reading)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_from_the_start(tmp_path: Path, closed: str) -> None:
    """As cron does; no file of the study takes their numbers."""
    shell = f'exec "$0" -c "$1" "$2" {closed}'
    done = subprocess.run(
        ["bash", "-c", shell, sys.executable, SHOWN, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    require_complete(tmp_path)
    for log in (tmp_path / "logs").rglob("*.log"):
        assert "speaks" not in log.read_text()
    assert json.loads(next(tmp_path.glob("logs/pipeline/2*/state.json")).read_text())
