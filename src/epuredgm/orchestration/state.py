"""``state.json``: what became of every job of one invocation, for people and their scripts.

One writer, the orchestrator; the file is whole at any moment. It never says that a job *runs*: a job that was
started and has not ended is ``started``, and whether somebody still works on it is asked of the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.jobs import Job, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration.assess import UP_TO_DATE
from epuredgm.orchestration.lease import Identity
from epuredgm.orchestration.pointers import read_pointer
from epuredgm.orchestration.records import Record, now

SCHEMA = 1
VIEWS: Mapping[Stage, str] = {
    Stage.PREPARE: "prepare",
    Stage.REFERENCE: "reference",
    Stage.TRAIN: "training",
    Stage.SAMPLE: "sampling",
    Stage.EXPORT: "export",
    Stage.EVALUATE: "evaluation",
    Stage.AGGREGATE: "aggregate",
    Stage.REPORT: "report",
}


class State:
    """The state of one invocation, in memory and on disk."""

    def __init__(self, path: Path, workspace: Workspace, jobs: Sequence[Job], command: str) -> None:
        self._path = path
        self._jobs = {job.key: job for job in jobs}
        self._head: dict[str, Any] = {
            "schema": SCHEMA,
            "command": command,
            "workspace": str(workspace.root),
            "branch": workspace.branch,
            "orchestrator": asdict(Identity.own()),
            "started": now(),
            "ended": None,
            "exit_code": None,
        }
        self._entries = {job.key: _entry(job) for job in jobs}
        self._dirty = True

    def set(self, key: str, status: str, record: Record | None = None, **about: Any) -> None:
        """Note what became of a job.

        Args:
            key: the job.
            status: ``waiting``, ``started``, ``done``, ``up to date``, ``failed``, ``blocked``,
                ``interrupted``.
            record: its record, if it was carried out, now or before.
            about: more: ``error``, ``log``, ``reasons``.
        """
        entry = self._entries[key]
        entry.update(status=status, **about)
        if record is not None:
            entry.update(_from_record(record))
        self._dirty = True

    def close(self, exit_code: int) -> None:
        """The invocation has ended."""
        self._head.update(ended=now(), exit_code=exit_code)
        self._dirty = True

    def save(self) -> None:
        """Write the file if anything changed."""
        if self._dirty:
            write_json(self._path, self.to_dict())
            self._dirty = False

    def to_dict(self) -> dict[str, Any]:
        """The content of the file."""
        return {
            **self._head,
            "jobs": self._entries,
            "completed": self._completed(),
            "failed": self._failed(),
        }

    def _completed(self) -> dict[str, Any]:
        """By stage: data sets, or for each model the seeds (for sampling, ``seed0_conditional``)."""
        view: dict[str, Any] = {name: {} if _has_model(stage) else [] for stage, name in VIEWS.items()}
        for job in self._with_status("done", UP_TO_DATE):
            if job.model is None:
                view[VIEWS[job.stage]].append(job.dataset)
            else:
                done = job.seed if job.mode is None else f"seed{job.seed}_{job.mode}"
                view[VIEWS[job.stage]].setdefault(job.model, []).append(done)
        return view

    def _failed(self) -> dict[str, list[str]]:
        """By stage: ``<model>_seed<N>``, for sampling ``<model>_seed<N>_<mode>``, or the data set."""
        view: dict[str, list[str]] = {name: [] for name in VIEWS.values()}
        for job in self._with_status("failed"):
            mode = f"_{job.mode}" if job.mode else ""
            name = f"{job.model}_seed{job.seed}{mode}" if job.model else job.dataset
            view[VIEWS[job.stage]].append(name)
        return view

    def _with_status(self, *statuses: str) -> list[Job]:
        return [self._jobs[key] for key, entry in self._entries.items() if entry["status"] in statuses]


def read_state(workspace: Workspace) -> dict[str, Any] | None:
    """The newest invocation's state, or None if there is none that can be read."""
    folder = read_pointer(workspace.latest)
    if folder is None:
        return None
    with suppress(FileNotFoundError, CorruptArtefact):
        content = read_json(folder / "state.json")
        return content if isinstance(content, dict) else None
    return None


def _has_model(stage: Stage) -> bool:
    return stage not in (Stage.PREPARE, Stage.REFERENCE, Stage.AGGREGATE, Stage.REPORT)


def _entry(job: Job) -> dict[str, Any]:
    return {
        "stage": job.stage.value,
        "dataset": job.dataset,
        "model": job.model,
        "seed": job.seed,
        "mode": job.mode,
        "fingerprint": job.fingerprint,
        "status": "waiting",
        "error": None,
        "hanging": None,  # since when its worker gives no sign of life
        "log": None,
    }


def _from_record(record: Record) -> dict[str, Any]:
    content = asdict(record)
    kept = ("hashed", "inputs", "outputs", "attempts", "seconds", "peak_memory", "peak_device_memory")
    return {name: content[name] for name in (*kept, "device", "log", "run", "error")}
