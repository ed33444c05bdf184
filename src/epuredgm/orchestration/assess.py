"""What is to do and what is up to date, and why: the plan held against the records; reads, never writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from epuredgm.core.jobs import Artefact, Job, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration.archive import Archive, same_work
from epuredgm.orchestration.artefacts import fault_of
from epuredgm.orchestration.estimate import History
from epuredgm.orchestration.fingerprint import changes
from epuredgm.orchestration.lease import Watch, host_name
from epuredgm.orchestration.records import Attempt, Record, Records, open_attempt, status_of, traces

RESULTS = (Stage.EVALUATE, Stage.AGGREGATE, Stage.REPORT)
"""Stages whose outputs are always read: small, and what people believe."""

RUN, RESUME, UP_TO_DATE, BLOCKED = "run", "resume", "up to date", "blocked"


@dataclass(frozen=True)
class Assessment:
    """What will happen to one job.

    Attributes:
        job: the job.
        action: ``run``, ``resume`` (a training goes on from its last checkpoint), ``up to date`` or
            ``blocked``.
        reasons: why, in words: ``training.batch_size 64 -> 32``, ``input weights changed``, ``never run``.
        seconds, bytes: predicted time and disk, 0 if nothing is to do, None without history.
        forced: it is done again though nothing asks for it.
    """

    job: Job
    action: str
    reasons: tuple[str, ...] = ()
    seconds: float | None = None
    bytes: int | None = None
    forced: bool = False

    @property
    def to_do(self) -> bool:
        """Whether the job is to be carried out."""
        return self.action in (RUN, RESUME)


def assess(
    jobs: Sequence[Job], workspace: Workspace, force: Collection[Stage] = ()
) -> tuple[Assessment, ...]:
    """Every job of a plan with what will happen to it, in order.

    Args:
        jobs: a plan, each job after those that it needs.
        workspace: where the records are.
        force: stages to be done again, up to date or not.
    """
    judge = Judge(workspace, force)
    judge.look_at(jobs)
    history = History(judge.records)
    verdicts: dict[str, Assessment] = {}
    for job in jobs:
        verdict = judge.before(job, verdicts)
        seconds, size = history.predict(job) if verdict.to_do else (0.0, 0)
        verdicts[job.key] = Assessment(job, verdict.action, verdict.reasons, seconds, size, verdict.forced)
    return tuple(verdicts.values())


class Judge:
    """Holds jobs against the records of a workspace."""

    def __init__(self, workspace: Workspace, force: Collection[Stage] = ()) -> None:
        self.workspace = workspace
        self.records = Records(workspace)
        self.archive = Archive(workspace)
        self._force = frozenset(force)
        self._faults: dict[tuple[str, str], str | None] = {}
        self._damage: dict[str, None] = {}
        self._watch = Watch()

    def forget(self, key: str) -> None:
        """Look at a job's record and outputs again: it has been carried out."""
        self.records.forget(key)
        self.archive.forget(key)
        self.forget_outputs(key)

    def forget_outputs(self, key: str) -> None:
        """Look at a job's outputs again when they are asked for."""
        self._faults = {name: fault for name, fault in self._faults.items() if name[0] != key}

    def notes(self) -> list[str]:
        """What was found unreadable or damaged since it was asked last, one line each."""
        told = [*self.records.faults, *self.archive.faults, *self._damage]
        self._damage.clear()
        self.records.faults.clear()
        self.archive.faults.clear()
        return told

    def before(self, job: Job, verdicts: Mapping[str, Assessment]) -> Assessment:
        """The verdict on a job while those it needs are still to be done.

        Args:
            job: the job.
            verdicts: of the jobs before it.
        """
        if (elsewhere := self._elsewhere(job)) is not None:
            return Assessment(job, BLOCKED, (elsewhere,))
        pending = [key for key in job.needs if key in verdicts and verdicts[key].to_do]
        missing = {name: why for name, why in self._missing(job) if job.inputs[name][0] not in pending}
        if _prevented(job, missing):
            return Assessment(job, BLOCKED, tuple(dict.fromkeys(self._blockers(job, missing, verdicts))))
        return self._verdict(job, self._stale(job, pending), pending)

    def at_launch(self, job: Job, failed: Collection[str] = ()) -> Assessment:
        """The verdict on a job whose needs are settled: only what is there now counts.

        Args:
            job: the job.
            failed: keys of jobs that failed or were blocked; what they made before does not count.
        """
        if (elsewhere := self._elsewhere(job)) is not None:
            return Assessment(job, BLOCKED, (elsewhere,))
        missing = {name: why for name, why in self._missing(job) if job.inputs[name][0] not in failed}
        missing |= {name: f"{key} was not made" for name, (key, _) in job.inputs.items() if key in failed}
        if _prevented(job, missing):
            return Assessment(job, BLOCKED, tuple(dict.fromkeys(missing.values())))
        return self._verdict(job, self._stale(job, (), failed))

    def inputs(self, job: Job, failed: Collection[str] = ()) -> dict[str, Artefact]:
        """The inputs of a job that are there: made by a done job and not changed since."""
        found = {}
        for name, (key, output) in job.inputs.items():
            record = self._maker(key)
            if key not in failed and record is not None and self._fault(record, output) is None:
                found[name] = record.outputs[output]
        return found

    def resumable(self, job: Job, inputs: Mapping[str, Artefact]) -> Record | None:
        """The record of the same work in a run folder that is still there and can be gone on with."""
        if job.stage in self._force:
            return None
        return self.archive.begun(job, inputs, self.records.get(job.key))

    def _verdict(self, job: Job, stale: Sequence[str], pending: Sequence[str] = ()) -> Assessment:
        forced = job.stage in self._force
        reasons = (*stale, *(f"{key} will run" for key in pending)) or (("forced",) if forced else ())
        if not reasons:
            return Assessment(job, UP_TO_DATE)
        former = None if pending else self.resumable(job, self.inputs(job))
        if former is not None and (former.status != "done" or self.archive.progress(former)):
            return Assessment(job, RESUME, reasons, forced=forced)
        return Assessment(job, RUN, reasons, forced=forced)

    def _stale(self, job: Job, pending: Collection[str], failed: Collection[str] = ()) -> list[str]:
        """Why a job is not up to date, in words; empty if it is."""
        self._adopt(job, self.inputs(job, failed))
        record = self.records.get(job.key)
        if record is None:
            lost = self.records.unreadable.get(job.key)
            return ["never run" if lost is None else f"its record cannot be read: {lost}"]
        reasons = list(changes(record.hashed, job.hashed))
        if record.fingerprint != job.fingerprint and not reasons:
            reasons.append("its fingerprint changed")
        if record.status != "done":
            reasons.append(self._unfinished(record))
        now = self.inputs(job, failed)
        for name in sorted({*record.inputs, *now}):
            waits = name in job.inputs and job.inputs[name][0] in pending
            if not waits and _hash(record.inputs.get(name)) != _hash(now.get(name)):
                reasons.append(f"input {name} {_difference(record.inputs.get(name), now.get(name))}")
        if record.status == "done":
            for name in record.outputs:
                fault = self._fault(record, name)
                if fault:
                    path = record.outputs[name].path
                    reasons.append(f"output {Path(path).name} is {fault}")
                    self._damage[f"{path} is {fault}: {job.key} is done again"] = None
        return reasons

    def _adopt(self, job: Job, now: Mapping[str, Artefact]) -> None:
        """Take earlier work of the same settings and inputs, finished or else begun, if the newest is not."""
        own = self.records.get(job.key)
        if job.stage in self._force:
            return
        if own is not None and own.status == "done" and same_work(own, job, now) and not self._spoilt(own):
            return
        found = self.archive.finished(job, now) or self.archive.begun(job, now, own)
        if found is not None and found != own:
            self.forget_outputs(job.key)
            self.records.adopt(found)

    def _spoilt(self, record: Record) -> bool:
        return any(self._fault(record, name) for name in record.outputs)

    def _maker(self, key: str) -> Record | None:
        """The record behind an input: of the newest finished work, if the newest attempt did not finish."""
        record = self.records.get(key)
        if record is not None and record.status == "done":
            return record
        return next((each for each in self.archive.of(key) if each.status == "done"), record)

    def look_at(self, jobs: Iterable[Job]) -> None:
        """Begin to look at the heartbeats of those jobs that another host may be at, all at once."""
        for job in jobs:
            for attempt in self._attempts_elsewhere(job):
                self._watch.begin(attempt.by, *traces(job.key, self.workspace))

    def _elsewhere(self, job: Job) -> str | None:
        """Why a job must not be run here: another host is at it."""
        for attempt in self._attempts_elsewhere(job):
            if self._watch.runs(attempt.by, *traces(job.key, self.workspace)):
                since = attempt.start[:19].replace("T", " ")
                who = f"process {attempt.pid} on {attempt.host}, since {since}"
                return f"{job.key} is being done by {who}; give the same command again when it has ended"
        return None

    def _attempts_elsewhere(self, job: Job) -> Iterator[Attempt]:
        """Attempts of other hosts of which no end is known."""
        own = self.records.get(job.key)
        others = (each for each in self.archive.of(job.key) if each.fingerprint == job.fingerprint)
        for record in (*((own,) if own is not None else ()), *others):
            attempt = open_attempt(record)
            if attempt is not None and attempt.host != host_name():
                yield attempt

    def _unfinished(self, record: Record) -> str:
        status, attempt = status_of(record, self.workspace, self._watch), record.last
        when = f" at {(attempt.end or attempt.start)[:19].replace('T', ' ')}" if attempt else ""
        if status == "failed":
            return f"failed before: {record.error}"
        if status == "running" and attempt:
            return f"running now: process {attempt.pid} on {attempt.host}, started{when}"
        return "interrupted" + when if status == "interrupted" else f"lost: started{when}, never finished"

    def _missing(self, job: Job) -> Iterator[tuple[str, str]]:
        """Inputs that are not there, each with what is wrong."""
        for name, (key, output) in job.inputs.items():
            record = self._maker(key)
            fault = self._fault(record, output) if record is not None else "missing"
            if fault:
                yield name, f"{output} of {key} is {fault}"

    def _fault(self, record: Record, output: str) -> str | None:
        """None if an output is there as recorded, else what is wrong with it."""
        name = (record.key, output)
        if name not in self._faults:
            made = record.outputs.get(output) if record.status == "done" else None
            self._faults[name] = self._fault_of(made, record) if made is not None else "missing"
        return self._faults[name]

    def _fault_of(self, made: Artefact, record: Record) -> str | None:
        return fault_of(made, self.workspace, read=record.stage in RESULTS)

    def damaged(self, job: Job) -> list[str]:
        """Keys of the jobs that made what a job found damaged: their outputs are looked at again."""
        for key in job.needs:
            self.forget(key)
        return list(dict.fromkeys(job.inputs[name][0] for name, _ in self._missing(job)))

    def _blockers(
        self, job: Job, missing: Mapping[str, str], verdicts: Mapping[str, Assessment]
    ) -> Iterator[str]:
        unplanned = [name for name in missing if job.inputs[name][0] not in verdicts]
        for name in missing:
            if name not in unplanned:
                yield f"{job.inputs[name][0]} is blocked"
        for maker in dict.fromkeys(job.inputs[name][0] for name in unplanned):
            first = next(name for name in unplanned if job.inputs[name][0] == maker)
            yield f"{missing[first]}, which is not planned"
        for command in dict.fromkeys(command_for(job, job.inputs[name][0]) for name in unplanned):
            yield f"to make it: {command}"


def _prevented(job: Job, missing: Collection[str]) -> bool:
    """Whether a job cannot be done without these of its inputs."""
    enough = job.tolerant and len(missing) < len(job.inputs) and not set(missing).intersection(job.essential)
    return bool(missing) and not enough


def command_for(job: Job, maker: str) -> str:
    """The command that makes what ``maker`` makes, for the same study as ``job``."""
    parts = ["epuredgm run", f"--dataset {job.dataset}"]
    if job.model is not None and not maker.startswith((f"{Stage.PREPARE}/", f"{Stage.REFERENCE}/")):
        parts += [f"--models {job.model}", f"--seeds {job.seed}"]
    return " ".join([*parts, f"--profile {job.config['profile']['name']}"])


def _hash(made: Artefact | None) -> str | None:
    return made.sha256 if made is not None else None


def _hashes(made: Mapping[str, Artefact]) -> dict[str, str]:
    return {name: artefact.sha256 for name, artefact in made.items()}


def _difference(before: Artefact | None, after: Artefact | None) -> str:
    if before is None:
        return "is new"
    return "changed" if after is not None else "is gone"
