"""One JSON file per job, written by whoever carries it out: the only memory of what was done.

A record holds facts alone: that an attempt started, how it ended, what was made of which inputs. Whether a
    job *runs* is derived on reading (:mod:`epuredgm.orchestration.lease`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.jobs import Artefact, JobFile, Stage
from epuredgm.core.places import Workspace
from epuredgm.core.typed import misfits
from epuredgm.orchestration.artefacts import same_inputs
from epuredgm.orchestration.lease import Beat, Identity, Watch, beat_path

SCHEMA = 1
KEPT_ATTEMPTS = 20

T = TypeVar("T")


def now() -> str:
    """The local time with its offset, to the second, as records store it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


@dataclass(frozen=True)
class Attempt:
    """One try at a job.

    Attributes:
        start, end: local times with offset; ``end`` is None while it runs, or if nobody saw it end.
        seconds: how long it took, or None as ``end``.
        host, boot, pid, token: who tried; see :class:`epuredgm.orchestration.lease.Identity`.
        exit_class: ``ok``, ``failed``, ``oom``, ``disk-full``, ``damaged-input``, ``interrupted``, ``lost``,
            ``hung`` or ``killed by signal N``.
        error: one line, if it did not end well.
    """

    start: str
    host: str
    boot: str
    pid: int
    token: str
    end: str | None = None
    seconds: float | None = None
    exit_class: str | None = None
    error: str | None = None

    @classmethod
    def begin(cls) -> Attempt:
        """An attempt by this process, from now on."""
        own = Identity.own()
        return cls(start=now(), host=own.host, boot=own.boot, pid=own.pid, token=own.token)

    @property
    def by(self) -> Identity:
        """Whose attempt it is."""
        return Identity(self.host, self.boot, self.pid, self.token)


@dataclass(frozen=True)
class Record:
    """What is known of one job.

    Attributes:
        key, stage, dataset, model, seed, mode, fingerprint, hashed: as in :class:`epuredgm.core.jobs.Job`.
        profile: the profile it ran under.
        status: ``started``, ``done``, ``failed`` or ``interrupted``; see :func:`status_of` for what it means
            now.
        inputs: what it was made of.
        outputs: what it made, with hashes; empty unless done.
        attempts: the newest tries, oldest first.
        seconds: working time of this result, interrupted attempts included.
        bytes: size of what it keeps on disk.
        peak_memory: bytes of main memory at the peak, or None.
        peak_device_memory: bytes of device memory reserved at the peak, or None.
        device: where it ran.
        log: its log file, relative to the workspace.
        run: the run's folder, relative to the workspace (train jobs), else empty.
        error: why it failed, in one line.
    """

    key: str
    stage: Stage
    dataset: str
    model: str | None
    seed: int | None
    mode: str | None
    profile: str
    fingerprint: str
    hashed: Mapping[str, Any]
    status: str
    inputs: Mapping[str, Artefact] = field(default_factory=dict)
    outputs: Mapping[str, Artefact] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    seconds: float = 0.0
    bytes: int = 0
    peak_memory: int | None = None
    peak_device_memory: int | None = None
    device: str = ""
    log: str = ""
    run: str = ""
    error: str | None = None
    schema: int = SCHEMA

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    def write(self, workspace: Workspace) -> None:
        """Write the record atomically at its place."""
        write_json(workspace.record(self.key), asdict(self))

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read a record back.

        Raises:
            FileNotFoundError: if there is none.
            CorruptArtefact: if it is not one, or of another schema.
        """
        content = read_json(path)
        try:
            if content["schema"] != SCHEMA:
                raise CorruptArtefact(
                    f"{path} was written by another version of epuredgm (schema {content['schema']!r}, "
                    f"this one reads {SCHEMA})"
                )
            content["stage"] = Stage(content["stage"])
            for name in ("inputs", "outputs"):
                content[name] = {key: _made(Artefact, artefact) for key, artefact in content[name].items()}
            content["attempts"] = tuple(_made(Attempt, attempt) for attempt in content["attempts"])
            record = _made(cls, content)
            for attempt in record.attempts:
                datetime.fromisoformat(attempt.start)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptArtefact(f"{path} is not a job record: {error}") from error
        wrong = misfits(record)
        if wrong:
            raise CorruptArtefact(f"{path} is not a job record: {', '.join(wrong)} make no sense")
        return record

    @classmethod
    def begin(cls, job: JobFile, former: Record | None, log: str) -> Record:
        """The record of a job that starts now; it continues ``former`` if that is the same work, begun."""
        goes_on = (
            former is not None
            and (former.status != "done" or job.run != "")
            and former.fingerprint == job.fingerprint
            and same_inputs(former.inputs, job.inputs)
            and former.run == job.run
        )
        attempts = former.attempts if former is not None else ()
        return cls(
            key=job.key,
            stage=job.stage,
            dataset=job.dataset,
            model=job.model,
            seed=job.seed,
            mode=job.mode,
            profile=job.config["profile"]["name"],
            fingerprint=job.fingerprint,
            hashed=job.hashed,
            status="started",
            inputs=job.inputs,
            attempts=(*attempts, Attempt.begin())[-KEPT_ATTEMPTS:],
            seconds=former.seconds if former is not None and goes_on else 0.0,
            device=job.device,
            log=log,
            run=job.run,
        )

    def ended(
        self, status: str, exit_class: str, seconds: float | None = None, error: str | None = None
    ) -> Record:
        """The record with its last attempt closed.

        Args:
            status: the record's new status; ``started`` leaves the job open for another attempt.
            exit_class: how the attempt ended.
            seconds: how long it took; by the clock if None.
            error: one line, if it did not end well.
        """
        attempt = self.attempts[-1]
        if seconds is None:
            seconds = (datetime.now().astimezone() - datetime.fromisoformat(attempt.start)).total_seconds()
        closed = replace(attempt, end=now(), seconds=seconds, exit_class=exit_class, error=error)
        return replace(
            self,
            status=status,
            attempts=(*self.attempts[:-1], closed),
            seconds=self.seconds + seconds,
            error=error,
        )


def _made(kind: type[T], content: Mapping[str, Any]) -> T:
    """A dataclass from what a file says; fields that a later version added say nothing to this one."""
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]  # all of ours are dataclasses
    return kind(**{name: value for name, value in content.items() if name in known})


class Records:
    """The records of one branch of a workspace, each file read once; what cannot be read counts as absent.

    Attributes:
        faults: one line for each record that could not be read, until somebody has told it.
        unreadable: key -> the file that holds no record of it, though it should.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.faults: list[str] = []
        self.unreadable: dict[str, Path] = {}
        self._known: dict[str, Record | None] = {}
        self._adopted: set[str] = set()

    def get(self, key: str) -> Record | None:
        """The record of a job, or None."""
        if key not in self._known:
            self._known[key] = self._read(key)
        return self._known[key]

    def forget(self, key: str) -> None:
        """Read the record again when it is asked for: somebody has written it."""
        self._known.pop(key, None)
        self._adopted.discard(key)

    def adopt(self, record: Record) -> None:
        """Take an earlier record for a job's own; nothing is written before :meth:`save_adopted`."""
        self._known[record.key] = record
        self._adopted.add(record.key)

    def save_adopted(self, key: str) -> None:
        """Write the record of a job, if it was adopted."""
        record = self._known.get(key)
        if record is not None and key in self._adopted:
            record.write(self.workspace)
            self._adopted.discard(key)

    def all(self) -> tuple[Record, ...]:
        """Every record that can be read, by key."""
        root = self.workspace.private / "jobs"
        keys = sorted(
            path.relative_to(root).as_posix().removesuffix(".json") for path in root.rglob("*.json")
        )
        return tuple(record for record in map(self.get, keys) if record is not None)

    def _read(self, key: str) -> Record | None:
        path = self.workspace.record(key)
        self.unreadable.pop(key, None)
        try:
            return Record.read(path)
        except FileNotFoundError:
            return None
        except CorruptArtefact as error:
            self.faults.append(f"{error.message}; what the job left elsewhere is looked for")
            self.unreadable[key] = path
            return None


def status_of(record: Record, workspace: Workspace, watch: Watch | None = None) -> str:
    """What a record means now: ``done``, ``failed``, ``interrupted``, ``running`` or ``lost``.

    Args:
        record: the record.
        workspace: where it is.
        watch: what has been seen of other hosts; without it they are looked at now, which takes seconds.
    """
    if record.status != "started":
        return record.status
    attempt = record.last
    if attempt is None or attempt.end is not None:
        return "lost"
    watch = watch if watch is not None else Watch()
    return "running" if watch.runs(attempt.by, *traces(record.key, workspace)) else "lost"


def traces(key: str, workspace: Workspace) -> tuple[Path, ...]:
    """What whoever carries out a job renews meanwhile: its record and its heartbeat."""
    place = workspace.record(key)
    return place, beat_path(place)


def open_attempt(record: Record) -> Attempt | None:
    """The attempt at a job of which no end is known."""
    attempt = record.last if record.status == "started" else None
    return attempt if attempt is not None and attempt.end is None else None


def overview(workspace: Workspace, watch: Watch | None = None) -> list[tuple[Record, str, Beat | None]]:
    """Every job on record with its status now and, if it runs, how far it is; sorted by pipeline and key.

    Args:
        workspace: where they are.
        watch: as of :func:`status_of`.
    """
    watch = watch if watch is not None else Watch()
    rows: list[tuple[Record, str, Beat | None]] = []
    records = Records(workspace).all()
    for record in records:
        if (attempt := open_attempt(record)) is not None:
            watch.begin(attempt.by, *traces(record.key, workspace))
    for record in records:
        status = status_of(record, workspace, watch)
        beat = Beat.read(beat_path(workspace.record(record.key))) if status == "running" else None
        rows.append((record, status, beat))
    order = list(Stage)
    return sorted(rows, key=lambda row: (order.index(row[0].stage), row[0].key))


def evaluated_runs(workspace: Workspace, dataset: str) -> tuple[tuple[str, int], ...]:
    """(model, seed) of every run of a data set that has been evaluated, sorted."""
    found = []
    for record in Records(workspace).all():
        evaluated = record.stage is Stage.EVALUATE and record.status == "done" and record.dataset == dataset
        if evaluated and record.model is not None and record.seed is not None:
            found.append((record.model, record.seed))
    return tuple(sorted(found))
