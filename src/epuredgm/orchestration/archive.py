"""What was begun and finished says so where it lies: a job's own record is not the only witness.

That record tells the newest attempt only, and it can be lost. So the folder of a training holds the record of
the work in it, begun or finished, and of every other job the record of its last good end is kept apart. What
is wanted again is found there and taken up, not made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import write_json
from epuredgm.core.jobs import Artefact, Job, JobFile, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration.artefacts import fault_of, same_inputs
from epuredgm.orchestration.records import Record

NAME = "record.json"
CHECK = "check"  # in the folder of a run: weights and resume points
WEIGHTS = "weights"  # the output that costs the hours of a training


def save(record: Record, workspace: Workspace) -> None:
    """Write a record beside what it speaks of, then at the job's own place."""
    if record.run:
        write_json(workspace.root / record.run / NAME, asdict(record))
    elif record.status == "done":
        write_json(workspace.done(record.key), asdict(record))
    record.write(workspace)


def kept(run: str, workspace: Workspace) -> Record | None:
    """The record in the folder of a run; None if there is none that can be read."""
    with suppress(OSError, CorruptArtefact):
        return Record.read(workspace.root / run / NAME)
    return None


def finished_runs(key: str, workspace: Workspace) -> Iterator[Record]:
    """Records of the finished runs of a training job, newest folder first."""
    return (record for record in Archive(workspace).of(key) if record.status == "done")


class Archive:
    """The records beside what they speak of, each read once.

    Attributes:
        faults: one line for each that could not be read, until somebody has told it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.faults: list[str] = []
        self._known: dict[str, tuple[Record, ...]] = {}
        self._told: set[Path] = set()

    def forget(self, key: str) -> None:
        """Look again when a job is asked for: it has been carried out."""
        self._known.pop(key, None)

    def of(self, key: str) -> tuple[Record, ...]:
        """Every record of a job that is kept apart from its own, newest folder first."""
        if key not in self._known:
            stage, _, rest = key.partition("/")
            folder = self.workspace.runs(rest.partition("/")[0])
            training = stage == Stage.TRAIN.value and folder.is_dir()
            found = self._of_runs(key, folder) if training else []
            self._known[key] = (*found, *self._read(self.workspace.done(key), key))
        return self._known[key]

    def finished(self, job: Job, inputs: Mapping[str, Artefact]) -> Record | None:
        """A record of the same work, done, of which all is there as it was written."""
        for record in self.of(job.key):
            done = record.status == "done" and same_work(record, job, inputs)
            if done and _is_whole(record, self.workspace):
                return record
        return None

    def begun(self, job: Job, inputs: Mapping[str, Artefact], own: Record | None) -> Record | None:
        """The record of the same work in a run folder that can be gone on with: the one that is farthest, of
        those the job's own, else the newest.
        """
        records = [record for record in (own, *self.of(job.key)) if record is not None and record.run]
        same = [record for record in records if same_work(record, job, inputs)]
        there = [record for record in same if (self.workspace.root / record.run).is_dir()]
        return max(there, key=self.progress, default=None)

    def progress(self, record: Record) -> int:
        """How far the work in a run folder is: 2 has its weights, 1 has a resume point, 0 has nothing."""
        if record.status == "done":
            made = record.outputs.get(WEIGHTS)
            return 0 if made is None or fault_of(made, self.workspace) else 2
        check = self.workspace.root / record.run / CHECK
        return int(check.is_dir() and any(check.iterdir()))

    def _of_runs(self, key: str, folder: Path) -> list[Record]:
        """What the run folders say: by their record, else by the file that the worker was given."""
        found: list[Record] = []
        silent: list[Path] = []
        for path in sorted(folder.glob("*"), reverse=True):
            if path.is_symlink() or not path.is_dir():  # a pointer to a run that is listed by its own name
                continue
            records = self._read(path / NAME, key)
            found.extend(record for record in records if self._is_here(record.run, path))
            if not (path / NAME).is_file() or path / NAME in self._told:
                silent.append(path)
        return [*found, *self._of_job_files(key, silent)]

    def _of_job_files(self, key: str, folders: list[Path]) -> Iterator[Record]:
        """Records of what was begun in folders that say nothing, as the logs remember it."""
        left = list(folders)
        pattern = f"*/jobs/{key.replace('/', '.')}.json"
        for path in sorted(self.workspace.logs.glob(pattern), reverse=True) if left else ():
            with suppress(OSError, CorruptArtefact):
                job = JobFile.read(path)
                here = next((each for each in left if job.run and self._is_here(job.run, each)), None)
                if here is not None and job.key == key:
                    left.remove(here)
                    yield _begun(job, here)

    def _read(self, path: Path, key: str) -> tuple[Record, ...]:
        try:
            record = Record.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except CorruptArtefact as error:
            if path not in self._told:
                self._told.add(path)
                self.faults.append(f"{error.message}; the logs are asked what lies there")
            return ()
        return (record,) if record.key == key else ()

    def _is_here(self, run: str, folder: Path) -> bool:
        """Whether a record speaks of the folder that it lies in: a copied folder's does not."""
        return (self.workspace.root / run).resolve() == folder.resolve()


def same_work(record: Record, job: Job, inputs: Mapping[str, Artefact]) -> bool:
    """Whether a record is of the same settings and inputs."""
    return record.fingerprint == job.fingerprint and same_inputs(record.inputs, inputs)


def _is_whole(record: Record, workspace: Workspace) -> bool:
    return not any(fault_of(made, workspace) for made in record.outputs.values())


def _begun(job: JobFile, folder: Path) -> Record:
    """The record of a training of which only its job file and its folder are left."""
    return Record(
        key=job.key,
        stage=job.stage,
        dataset=job.dataset,
        model=job.model,
        seed=job.seed,
        mode=job.mode,
        profile=str(job.config["profile"]["name"]),
        fingerprint=job.fingerprint,
        hashed=job.hashed,
        status="interrupted",
        inputs=job.inputs,
        device=job.device,
        run=job.run,
    )


@dataclass(frozen=True)
class Runs:
    """What all run folders of a branch say of themselves, and one line for each that cannot be read."""

    records: tuple[Record, ...]
    faults: tuple[str, ...]


def all_runs(workspace: Workspace) -> Runs:
    """The records in all run folders, newest folder first within each run."""
    records, faults = [], []
    for path in sorted((workspace.base / "outputs").glob(f"*/*/{NAME}"), reverse=True):
        if path.parent.is_symlink():
            continue
        try:
            record = Record.read(path)
        except CorruptArtefact as error:
            faults.append(error.message)
            continue
        if (workspace.root / record.run).resolve() == path.parent.resolve():
            records.append(record)
    return Runs(tuple(records), tuple(faults))
