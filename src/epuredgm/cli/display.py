"""What a user sees while jobs run: a live panel on a terminal, quiet lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from epuredgm.cli.words import duration
from epuredgm.core.jobs import Job

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from epuredgm.orchestration.assess import Assessment

QUIET_SECONDS = 30.0  # between two progress lines where there is no terminal


def display(total: int, *, silent: bool = False) -> Lines:
    """The display that fits where the output goes."""
    if silent:
        return Lines(total, silent=True)
    return Panel(total) if sys.stderr.isatty() else Lines(total)


class Lines:
    """One plain line when a job starts, ends, or has been at work for another half minute."""

    def __init__(self, total: int, *, silent: bool = False) -> None:
        self.total = total
        self.finished_jobs = 0
        self.silent = silent
        self._spoken: dict[str, float] = {}
        self._began: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print one line, with the time of day; a study goes on when nobody reads them any more."""
        if self.silent:
            return
        try:
            click.echo(f"{time.strftime('%H:%M:%S')}  {text}", err=True)
        except BrokenPipeError:
            self.silent = True

    def started(self, assessments: Sequence[Assessment]) -> None:
        """The execution begins."""

    def job_started(self, job: Job) -> None:
        """One job begins."""
        self._began[job.key] = self._spoken[job.key] = time.monotonic()
        self.say(f"[{self.finished_jobs + 1}/{self.total}] {job.key} ...")

    def job_progress(
        self, job: Job, done: float, total: float, what: str, figures: Mapping[str, float]
    ) -> None:
        """One job is so far."""
        now = time.monotonic()
        if now - self._spoken.get(job.key, 0.0) >= QUIET_SECONDS:
            self._spoken[job.key] = now
            self.say(
                f"      {job.key}: {_so_far(done, total, what, figures, now - self._began.get(job.key, now))}"
            )

    def job_finished(
        self, job: Job, status: str, seconds: float | None, error: str | None, log: str | None
    ) -> None:
        """One job has ended."""
        self.finished_jobs += 1
        self.say(_ending(job, status, seconds, error, log))

    def note(self, text: str) -> None:
        """Something that a user should see."""
        self.say(text)

    def finished(self, outcome: Any) -> None:
        """The execution has ended."""


class Panel(Lines):
    """A live panel: the study's bar, and one bar for each running job with its epoch, loss and time left."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._console = Console(stderr=True)
        self._bars: Progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[so_far]}", style="dim"),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._study: TaskID = self._bars.add_task("[bold]study", total=total, so_far=f"0/{total} jobs")

    def say(self, text: str) -> None:
        """Print one line above the panel."""
        self._console.print(text, highlight=False, markup=False)

    def started(self, assessments: Sequence[Assessment]) -> None:
        """Show the panel."""
        self._bars.start()

    def job_started(self, job: Job) -> None:
        """Add the job's bar."""
        self._began[job.key] = time.monotonic()
        self._tasks[job.key] = self._bars.add_task(job.key, total=None, so_far="starting")

    def job_progress(
        self, job: Job, done: float, total: float, what: str, figures: Mapping[str, float]
    ) -> None:
        """Move the job's bar."""
        task = self._tasks.get(job.key)
        if task is not None:
            elapsed = time.monotonic() - self._began[job.key]
            self._bars.update(
                task, completed=done, total=total, so_far=_so_far(done, total, what, figures, elapsed)
            )

    def job_finished(
        self, job: Job, status: str, seconds: float | None, error: str | None, log: str | None
    ) -> None:
        """Replace the job's bar by a line."""
        task = self._tasks.pop(job.key, None)
        if task is not None:
            self._bars.remove_task(task)
        self.finished_jobs += 1
        self._bars.update(
            self._study, completed=self.finished_jobs, so_far=f"{self.finished_jobs}/{self.total} jobs"
        )
        self.say(_ending(job, status, seconds, error, log))

    def finished(self, outcome: Any) -> None:
        """Take the panel away."""
        self._bars.stop()


def _so_far(done: float, total: float, what: str, figures: Mapping[str, float], elapsed: float) -> str:
    share = done / total if total else 0.0
    numbers = "".join(f"  {name} {value:.4g}" for name, value in figures.items())
    left = f"  {duration(elapsed * (1 - share) / share)} left" if share > 0.01 else ""
    return f"{what}  {share:4.0%}{numbers}{left}"


def _ending(job: Job, status: str, seconds: float | None, error: str | None, log: str | None) -> str:
    took = f"  ({duration(seconds)})" if seconds is not None else ""
    text = f"{'ok' if status == 'done' else status:<11} {job.key}{took}"
    if status == "blocked":
        return f"{text}  ({(error or '').split(';')[0]})"
    if error:
        text += "".join(f"\n            {line}" for line in error.splitlines())
        text += f"\n            log: {log}" if log else ""
    return text
