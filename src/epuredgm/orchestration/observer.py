"""Who is told what happens while a plan is executed: the log book, and whatever shows it to the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from epuredgm.core.jobs import Job
from epuredgm.orchestration.assess import Assessment


@dataclass(frozen=True)
class Outcome:
    """How an execution ended.

    Attributes:
        done: jobs carried out.
        skipped: jobs that were up to date.
        failed: jobs that failed.
        blocked: jobs that could not start, because what they need was not made.
        left: jobs not finished because the execution was interrupted.
        seconds: how long it took.
        folder: where its logs are.
        signal: the signal that interrupted it, or None.
        failures: key of each failed job -> its error, in one line.
    """

    done: int
    skipped: int
    failed: int
    blocked: int
    left: int
    seconds: float
    folder: Path
    signal: int | None
    failures: Mapping[str, str]

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped from outside."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """0 all done, 1 some job failed or was blocked, 128 + signal (130, 143) interrupted."""
        if self.signal is not None:
            return 128 + self.signal
        return 1 if self.failed or self.blocked else 0

    def text(self) -> str:
        """One line for people."""
        counts = [(self.done, "done"), (self.skipped, "up to date"), (self.failed, "failed")]
        counts += [(self.blocked, "blocked"), (self.left, "left")]
        words = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing to do"
        prefix = "interrupted: " if self.interrupted else ""
        suffix = "; give the same command again to go on" if self.interrupted else ""
        return f"{prefix}{words}{suffix}; logs in {self.folder}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {
            **asdict(self),
            "folder": str(self.folder),
            "failures": dict(self.failures),
            "interrupted": self.interrupted,
            "exit_code": self.exit_code,
        }


class Observer(Protocol):
    """What :func:`epuredgm.orchestration.execute.execute` calls, always from the thread that called it."""

    def started(self, assessments: Sequence[Assessment]) -> None:
        """The execution begins; nothing is launched yet."""

    def job_started(self, job: Job) -> None:
        """A job has been launched (again, if its process was lost)."""

    def job_progress(
        self, job: Job, done: float, total: float, what: str, figures: Mapping[str, float]
    ) -> None:
        """A running job is so far; a few times a second at most."""

    def job_finished(
        self, job: Job, status: str, seconds: float | None, error: str | None, log: str | None
    ) -> None:
        """A job that was to run has ended.

        Args:
            job: the job.
            status: ``done``, ``failed``, ``blocked``, ``interrupted``, or ``up to date`` if what it needs
                came out as before, so that there was nothing to do.
            seconds: how long it took, if it ran.
            error: one line, if it did not end well.
            log: path of its log, if it ran.
        """

    def note(self, text: str) -> None:
        """Something that a user should see."""

    def finished(self, outcome: Outcome) -> None:
        """The execution has ended, however it went."""


class Several:
    """Tells the log, and then whatever shows it to the user: a display that fails is not asked any more.

    Args:
        log: what it cannot write is an error.
        shown: displays, of which nothing depends.
    """

    def __init__(self, log: Observer, *shown: Observer) -> None:
        self._log = log
        self._shown = list(shown)

    def started(self, assessments: Sequence[Assessment]) -> None:
        """See :class:`Observer`."""
        self._tell(lambda observer: observer.started(assessments))

    def job_started(self, job: Job) -> None:
        """See :class:`Observer`."""
        self._tell(lambda observer: observer.job_started(job))

    def job_progress(
        self, job: Job, done: float, total: float, what: str, figures: Mapping[str, float]
    ) -> None:
        """See :class:`Observer`."""
        self._tell(lambda observer: observer.job_progress(job, done, total, what, figures))

    def job_finished(
        self, job: Job, status: str, seconds: float | None, error: str | None, log: str | None
    ) -> None:
        """See :class:`Observer`."""
        self._tell(lambda observer: observer.job_finished(job, status, seconds, error, log))

    def note(self, text: str) -> None:
        """See :class:`Observer`."""
        self._tell(lambda observer: observer.note(text))

    def finished(self, outcome: Outcome) -> None:
        """See :class:`Observer`."""
        self._tell(lambda observer: observer.finished(outcome))

    def _tell(self, what: Callable[[Observer], None]) -> None:
        what(self._log)
        for observer in tuple(self._shown):
            try:
                what(observer)
            except (OSError, ValueError) as error:  # its terminal or its file is closed
                self._shown.remove(observer)
                self._log.note(f"nothing is shown any more, the study goes on: {error}")
