"""The folder of one invocation: ``pipeline.log``, ``errors.log``, ``plan.json`` and a log for each job."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from epuredgm.core.files import write_json
from epuredgm.core.jobs import Job
from epuredgm.core.room import patient_file, patiently
from epuredgm.orchestration.assess import Assessment
from epuredgm.orchestration.observer import Outcome

PROGRESS_SECONDS = 30.0  # between two lines about one running job


def new_folder(parent: Path) -> Path:
    """A new folder named after the local time, ``2026-01-31_12-00-00``; with ``_2``, ... if that is taken."""
    patiently(partial(parent.mkdir, parents=True, exist_ok=True), parent)
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    number = 1
    while True:
        folder = parent / (stamp if number == 1 else f"{stamp}_{number}")
        try:
            patiently(partial(folder.mkdir, exist_ok=False), folder)
            return folder
        except FileExistsError:
            number += 1


class LogBook:
    """An observer that writes down what happens, each line with its time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spoken: dict[str, float] = {}
        for name in ("pipeline.log", "errors.log"):
            (folder / name).touch()

    def started(self, assessments: Sequence[Assessment]) -> None:
        """Write the plan."""
        rows = [
            {
                "key": a.job.key,
                "action": a.action,
                "reasons": list(a.reasons),
                "seconds": a.seconds,
                "bytes": a.bytes,
                "fingerprint": a.job.fingerprint,
            }
            for a in assessments
        ]
        write_json(self.folder / "plan.json", {"schema": 1, "jobs": rows})
        self._line(f"{sum(a.to_do for a in assessments)} of {len(assessments)} jobs to do")

    def job_started(self, job: Job) -> None:
        """One line."""
        self._spoken[job.key] = time.monotonic()
        self._line(f"started      {job.key}")

    def job_progress(
        self, job: Job, done: float, total: float, what: str, figures: Mapping[str, float]
    ) -> None:
        """One line for each job every half minute."""
        if time.monotonic() - self._spoken.get(job.key, 0.0) < PROGRESS_SECONDS:
            return
        self._spoken[job.key] = time.monotonic()
        numbers = "".join(f" {name}={value:.4g}" for name, value in figures.items())
        self._line(f"             {job.key}: {what} {done:g}/{total:g}{numbers}")

    def job_finished(
        self, job: Job, status: str, seconds: float | None, error: str | None, log: str | None
    ) -> None:
        """One line; what failed goes to ``errors.log`` too."""
        took = f" in {seconds:.1f} s" if seconds is not None else ""
        self._line(f"{status:<12} {job.key}{took}" + (f": {error}" if error else ""))
        if status == "failed":
            self._append("errors.log", f"{_stamp()}  {job.key}\n  error: {error}\n  log:   {log or '-'}\n\n")

    def note(self, text: str) -> None:
        """One line."""
        self._line(text)

    def finished(self, outcome: Outcome) -> None:
        """One line."""
        self._line(outcome.text())

    def _line(self, text: str) -> None:
        self._append("pipeline.log", f"{_stamp()}  {text}\n")

    def _append(self, name: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)  # old logs may be cleared away while a study runs
        with patient_file(self.folder / name, "a", self.folder / name) as file:
            file.write(text.encode(errors="backslashreplace"))


def _stamp() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
