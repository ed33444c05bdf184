"""Finished trainings remember themselves: a run's folder holds the record of the job that finished it.

A job's own record tells its newest attempt only. When that one failed, was stopped or had other settings, an
earlier run with the wanted ones may still be on disk: it is found here and taken again, not made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import write_json
from epuredgm.core.places import Workspace
from epuredgm.orchestration.records import Record

NAME = "record.json"


def keep(record: Record, workspace: Workspace) -> None:
    """Lay the record of a done training beside what it made; other jobs have no folder of their own."""
    if record.run and record.status == "done":
        write_json(workspace.root / record.run / NAME, asdict(record))


def finished_runs(key: str, workspace: Workspace) -> Iterator[Record]:
    """Records of the finished runs of a training job, newest folder first."""
    stage, _, rest = key.partition("/")
    folder = workspace.runs(rest.partition("/")[0])
    if not stage or not folder.is_dir():
        return
    for path in sorted(folder.glob(f"*/{NAME}"), reverse=True):
        if path.parent.is_symlink():  # a pointer to a run that is listed by its own name
            continue
        with suppress(OSError, CorruptArtefact):
            record = Record.read(path)
            if record.key == key and record.status == "done" and _is_here(record, path, workspace):
                yield record


def _is_here(record: Record, path: Path, workspace: Workspace) -> bool:
    """Whether the record speaks of the folder that it lies in: a copied folder's does not."""
    return (workspace.root / record.run).resolve() == path.parent.resolve()
