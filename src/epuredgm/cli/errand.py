"""Heavy work for a light command line: a child process that loads numpy, reports as JSON lines, and ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from epuredgm.cli.console import answer
from epuredgm.core.errors import EpureError
from epuredgm.core.stops import STOPS, Stopped, deaf, name_of
from epuredgm.core.threads import child_environment

if TYPE_CHECKING:
    from rich.progress import Progress

QUIET_SECONDS = 5.0  # between two progress lines where there is no terminal
GRACE_SECONDS = 10.0  # for the child to clean up after an interrupt


class ErrandFailed(EpureError):
    """The child reported a fault; its text and exit code are passed on."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def errand(module: str, request: Mapping[str, Any], *, silent: bool = False) -> dict[str, Any]:
    """Run ``python -m module`` with ``request`` and return its result, showing its progress.

    A ``silent`` one is for an answer in JSON: a fault that has details is answered so, too.

    Raises:
        ErrandFailed: with the child's own message and exit code.
        OSError: if the child met one (disk full, no permission).
    """
    environment = child_environment()
    with deaf(signal.SIGTERM):  # the terminal and the cluster signal it too, but we say when it ends
        child = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
    assert child.stdin is not None and child.stdout is not None
    try:
        with suppress(BrokenPipeError):  # a child that died at once is reported below
            child.stdin.write(json.dumps(request))
            child.stdin.close()
        with progress_display(silent) as display:
            last = _follow(child.stdout, display)
        code = child.wait()
    except KeyboardInterrupt:
        child.terminate()
        raise
    finally:
        _end(child)
    details = (last.get("error") or {}).get("details")
    if silent and details:
        answer(json.dumps({"error": last["error"]["text"], **details}, indent=2))
    return _outcome(last, code)


def _follow(lines: Iterator[str], display: _Display) -> dict[str, Any]:
    """Show what the child reports; return its last word."""
    last: dict[str, Any] = {}
    for line in lines:
        message = json.loads(line)
        if "progress" in message:
            display.progress(**message["progress"])
        elif "note" in message:
            display.note(message["note"])
        else:
            last = message
    return last


def _outcome(last: Mapping[str, Any], code: int) -> dict[str, Any]:
    if "result" in last and code == 0:
        return dict(last["result"])
    fault = last.get("error")
    ended_by = -code if code < 0 else code - 128
    if ended_by in STOPS:
        raise Stopped(ended_by)
    if fault is None:
        how = f"was killed by {name_of(-code)}" if code < 0 else f"ended with exit code {code}"
        raise ErrandFailed(f"the process that did the work {how}", 1)
    if "errno" in fault:
        raise OSError(fault["errno"], fault["text"], fault["file"])
    raise ErrandFailed(fault["text"], fault["exit_code"])


def _end(child: subprocess.Popen[str]) -> None:
    """Leave no child behind: it has a moment to clean up, unless the user does not want to wait."""
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


class _Display:
    """Plain lines on standard error, one per few seconds; a silent one shows notes alone."""

    def __init__(self, silent: bool) -> None:
        self.silent = silent
        self._spoken = time.monotonic()

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        now = time.monotonic()
        if not self.silent and now - self._spoken >= QUIET_SECONDS:
            self._spoken = now
            click.echo(f"{what}: {done:.0f} of {total:.0f}", err=True)

    def note(self, message: str) -> None:
        click.echo(message, err=True)


class _Bar(_Display):
    """A bar on the terminal, one per kind of work."""

    def __init__(self, bars: Progress) -> None:
        super().__init__(silent=False)
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total)
        self._bars.update(self._tasks[what], completed=done, total=total)

    def note(self, message: str) -> None:
        self._bars.console.print(message, highlight=False, markup=False)


@contextmanager
def progress_display(silent: bool) -> Iterator[_Display]:
    """Where progress is shown while the block runs: a bar on a terminal, else a line every few seconds."""
    if silent or not sys.stderr.isatty():
        yield _Display(silent)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bar(bars)
