"""Carrying out a plan: what is up to date is left alone, what fails takes only its dependants with it.

The orchestrator decides and records; it never imports what the jobs compute with. Each job is judged once
more when its turn comes, so that what another run has done meanwhile, or what came out as before, is not done
twice.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from epuredgm.core.errors import EpureError
from epuredgm.core.jobs import Job, JobFile, Stage
from epuredgm.core.places import Workspace
from epuredgm.core.room import try_again, waiting_for_room
from epuredgm.core.stops import name_of
from epuredgm.core.streams import open_closed
from epuredgm.orchestration.assess import BLOCKED, UP_TO_DATE, Assessment, Judge
from epuredgm.orchestration.endings import cause_of, close_record, was_killed
from epuredgm.orchestration.faults import DAMAGED_INPUT, DISK_FULL, explained
from epuredgm.orchestration.launch import job_file, modules_for, new_run, remove_unused
from epuredgm.orchestration.locks import hold
from epuredgm.orchestration.logbook import LogBook, new_folder
from epuredgm.orchestration.observer import Observer, Outcome, Several
from epuredgm.orchestration.pointers import read_pointer, write_pointer
from epuredgm.orchestration.pool import Ended, Noted, Pool, Progressed, Ready
from epuredgm.orchestration.records import Record, now
from epuredgm.orchestration.signals import StopRequests
from epuredgm.orchestration.state import State

__all__ = ["Outcome", "execute"]

POLL_SECONDS = 0.2
TRIES = 2
"""How often a job is launched whose process is killed from outside."""


def execute(
    assessments: Sequence[Assessment],
    workspace: Workspace,
    *,
    devices: Sequence[str],
    threads: int,
    observer: Observer,
    force: Collection[Stage] = (),
    wait: bool = False,
    command: str = "",
    worker: str = "epuredgm.worker",
    preload: Collection[str] | None = None,
    patience: float = 0.0,
    latest: bool = True,
) -> Outcome:
    """Carry out what an assessed plan says is to do.

    Args:
        assessments: what :func:`epuredgm.orchestration.assess.assess` returned.
        workspace: where everything goes.
        devices: one job at a time runs on each.
        threads: threads for each job.
        observer: told what happens.
        force: stages to do again, as given to ``assess``.
        wait: wait for another run in this workspace rather than refuse.
        command: the command line, for the records.
        worker: module whose ``carry_out`` does a job.
        preload: modules that the workers' server imports first; by default those that the jobs need.
        patience: seconds to wait for room when the disk is full.
        latest: point ``logs/pipeline/latest`` here as soon as a job is launched.

    Raises:
        BadRequest: if another run is at work here, or the workspace cannot be written.
        EpureError: if the disk is full; what was finished is kept.
    """
    open_closed()
    if preload is None:
        preload = modules_for([a.job for a in assessments if a.to_do], worker)
    requests = StopRequests()
    waiting = waiting_for_room(patience, observer.note, lambda: requests.count > 0)
    with explained(workspace), waiting, hold(workspace, command, wait=wait, say=observer.note):
        remove_unused([a.job for a in assessments], workspace)
        pool = Pool(devices, threads, worker, preload)
        folder = new_folder(workspace.logs)
        with requests, pool:
            return _Execution(
                assessments, workspace, folder, pool, requests, observer, force, threads, command, latest
            ).run()


class _Execution:
    """One invocation at work."""

    def __init__(
        self,
        assessments: Sequence[Assessment],
        workspace: Workspace,
        folder: Path,
        pool: Pool,
        requests: StopRequests,
        observer: Observer,
        force: Collection[Stage],
        threads: int,
        command: str,
        latest: bool,
    ) -> None:
        self.latest = latest
        self.assessments = assessments
        self.workspace = workspace
        self.folder = folder
        self.pool = pool
        self.requests = requests
        self.observer: Observer = Several(LogBook(folder), observer)
        self.threads = threads
        self.judge = Judge(workspace, force)
        jobs = [a.job for a in assessments]
        self.judge.look_at(jobs)
        self.state = State(folder / "state.json", workspace, jobs, command)
        self.waiting: dict[str, Job] = {job.key: job for job in jobs}
        self.quiet = {a.job.key for a in assessments if a.action == UP_TO_DATE}
        self.running: dict[str, JobFile] = {}
        self.jobs = dict(self.waiting)
        self.settled: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self.tries: dict[str, int] = {}
        self.full_since: dict[str, float] = {}
        self.hanging: set[str] = set()
        self.ended: dict[str, tuple[str, str]] = {}  # by us: why, and the exit class
        self.began = time.monotonic()

    def run(self) -> Outcome:
        try:
            self._work()
        except BaseException:
            with suppress(OSError):  # what is shown must end, whatever the disk says
                self.observer.finished(self._outcome())
            raise
        outcome = self._outcome()
        self.state.close(outcome.exit_code)
        self.state.save()
        self.observer.finished(outcome)
        return outcome

    def _work(self) -> None:
        self._open()
        self._launch_ready()
        while self._at_work():
            self.state.save()
            self._obey()
            events = self.pool.poll(POLL_SECONDS)
            for event in events:
                if not isinstance(event, Ready):
                    self._take(event)
            self._judge_silence()
            if any(isinstance(event, Ended | Ready) for event in events):
                self._launch_ready()

    def _at_work(self) -> bool:
        """Whether a job runs, or will as soon as the workers' server is ready."""
        return bool(self.running) or (self.pool.warming and bool(self.waiting) and not self.requests.count)

    def _open(self) -> None:
        if any(a.to_do for a in self.assessments):
            self.pool.warm()
        self.observer.started(self.assessments)

    # deciding -------------------------------------------------------------------------------------

    def _launch_ready(self) -> None:
        """Settle or launch every waiting job whose needs are settled, in the order of the plan."""
        for job in list(self.waiting.values()):
            if self.requests.count:
                return
            if any(key in self.waiting or key in self.running for key in job.needs):
                continue
            self._decide(job)

    def _decide(self, job: Job) -> None:
        verdict = self.judge.at_launch(job, self._unmade())
        for text in self.judge.notes():
            self.observer.note(text)
        if verdict.action == UP_TO_DATE:
            self.judge.records.save_adopted(job.key)
            self._mend_pointer(job)
            self._settle(job, UP_TO_DATE, record=self.judge.records.get(job.key))
        elif verdict.action == BLOCKED:
            self._settle(job, BLOCKED, error="; ".join(verdict.reasons))
        else:
            device = self.pool.free_device()
            if device is not None and not self.pool.warming:
                self._launch(job, device)

    def _unmade(self) -> set[str]:
        return {key for key, status in self.settled.items() if status not in ("done", UP_TO_DATE)}

    def _settle(
        self,
        job: Job,
        status: str,
        *,
        record: Record | None = None,
        seconds: float | None = None,
        error: str | None = None,
        log: str | None = None,
    ) -> None:
        self.waiting.pop(job.key, None)
        self.settled[job.key] = status
        if error is not None and status == "failed":
            self.errors[job.key] = error
        self.state.set(job.key, status, record, error=error)
        if status != UP_TO_DATE or job.key not in self.quiet:
            self.observer.job_finished(job, status, seconds, error, log)

    def _mend_pointer(self, job: Job) -> None:
        """A pointer that was removed or turned elsewhere comes back; where it cannot, nothing fails."""
        record = self.judge.records.get(job.key)
        if record is None or not record.run or job.run is None or job.seed is None:
            return
        pointer = self.workspace.run_pointer(job.run, job.seed)
        target = self.workspace.root / record.run
        try:
            if read_pointer(pointer) != target.resolve():
                write_pointer(pointer, target)
        except (EpureError, OSError) as error:
            self.observer.note(f"the pointer {pointer} was not mended: {error}")

    # launching ------------------------------------------------------------------------------------

    def _launch(self, job: Job, device: str) -> None:
        inputs = self.judge.inputs(job, self._unmade())
        former = self.judge.resumable(job, inputs)
        run = former.run if former is not None else new_run(job, self.workspace)
        self._start(job_file(job, self.workspace, inputs, self.folder, device, self.threads, run))

    def _point_here(self) -> None:
        """The logs of a run that does something are the latest, once."""
        self.latest = False
        try:
            write_pointer(self.workspace.latest, self.folder)
        except EpureError as error:
            self.observer.note(str(error))

    def _start(self, work: JobFile) -> None:
        """Launch a job, for the first time or again."""
        job = self.jobs[work.key]
        if self.latest:
            self._point_here()
        path = self.folder / "jobs" / f"{job.key.replace('/', '.')}.json"
        work.write(path)
        self.tries[job.key] = self.tries.get(job.key, 0) + 1
        self.waiting.pop(job.key, None)
        self.running[job.key] = work
        log = self.workspace.relative(Path(work.log))
        self.state.set(job.key, "started", log=log, run=work.run, hanging=None)
        self.state.save()
        self.observer.job_started(job)
        self.pool.launch(job.key, path, work.device)

    # hearing --------------------------------------------------------------------------------------

    def _take(self, event: Progressed | Noted | Ended) -> None:
        job = self.jobs[event.key]
        if isinstance(event, Progressed):
            self.observer.job_progress(job, event.done, event.total, event.what, event.figures)
        elif isinstance(event, Noted):
            self.observer.note(f"{job.key}: {event.text}")
        else:
            self._ended(job, event)

    def _ended(self, job: Job, event: Ended) -> None:
        work = self.running.pop(job.key)
        self.hanging.discard(job.key)
        self.judge.forget(job.key)
        report = event.report
        if report is None or (report.status == "interrupted" and not self.requests.count):
            self._lost(job, work, event)
            return
        if report.exit_class == DAMAGED_INPUT and self._make_again(job):
            return
        if report.exit_class == DISK_FULL and self._room_again(job):
            self._start(work)
            return
        record = self.judge.records.get(job.key)
        seconds, error = report.seconds, report.error
        self._settle(job, report.status, record=record, seconds=seconds, error=error, log=work.log)

    def _room_again(self, job: Job) -> bool:
        """Wait for room for a job that failed for want of it; False if there is none for too long."""
        since = self.full_since.setdefault(job.key, time.monotonic())
        pause = min(60.0, 2.0 ** self.tries[job.key])
        return not self.requests.count and try_again(self.workspace.private, since, pause)

    def _make_again(self, job: Job) -> bool:
        """Take up the jobs again that made what a job found damaged, and then the job; False if that is of
        no use.
        """
        makers = self.judge.damaged(job)
        planned = bool(makers) and all(key in self.settled for key in makers)
        if not planned or self.requests.count or self.tries[job.key] >= TRIES:
            return False
        for key in (*makers, job.key):
            self.settled.pop(key, None)
            self.quiet.discard(key)
            self.waiting[key] = self.jobs[key]
            self.state.set(key, "waiting")
        return True

    def _lost(self, job: Job, work: JobFile, event: Ended) -> None:
        """A process that ended without being asked to: try once more, then give up."""
        how, exit_class = self.ended.pop(job.key) if job.key in self.ended else cause_of(event)
        again = was_killed(event) and not self.requests.count and self.tries[job.key] < TRIES
        status = "interrupted" if self.requests.count else ("started" if again else "failed")
        record = close_record(self.judge.records, work, event.pid, status, exit_class, how)
        if again:
            self.observer.note(f"{job.key}: {how}; trying once more")
            self._start(work)
        else:
            self._settle(job, status, record=record, seconds=record.seconds, error=how, log=work.log)

    def _judge_silence(self) -> None:
        """Say which workers give no sign of life any more, and end those that have not for twice as long."""
        for key, work in self.running.items():
            patience, silent = work.config["study"]["hang_seconds"], self.pool.silence(key)
            if patience is None or key in self.ended:
                continue
            if silent < patience:
                if key in self.hanging:
                    self.hanging.discard(key)
                    self.state.set(key, "started", hanging=None)
                    self.observer.note(f"{key}: its worker gives signs of life again")
            elif key not in self.hanging:
                self.hanging.add(key)
                self.state.set(key, "started", hanging=now())
                text = f"no sign of life from its worker for {silent:.0f} s; it is ended after as long again"
                self.observer.note(f"{key}: {text}")
            elif silent >= 2 * patience:
                self.ended[key] = (f"hung: no sign of life for {silent:.0f} s (study.hang_seconds)", "hung")
                self.pool.kill(key)

    def _obey(self) -> None:
        """Act on requests to stop: the first asks the workers to save and end; a second order kills them."""
        number = self.requests.signal
        if number is not None and not self.requests.answered:
            self.requests.answered = True
            by = "" if number == signal.SIGINT else f" ({name_of(number)})"
            self.observer.note(f"stopping{by}: jobs save what they have; Ctrl-C again stops at once")
            self.pool.stop()
        if self.requests.at_once:
            self.pool.kill()

    def _outcome(self) -> Outcome:
        counts = {status: list(self.settled.values()).count(status) for status in set(self.settled.values())}
        return Outcome(
            done=counts.get("done", 0),
            skipped=counts.get(UP_TO_DATE, 0),
            failed=counts.get("failed", 0),
            blocked=counts.get(BLOCKED, 0),
            left=counts.get("interrupted", 0) + len(self.waiting),
            seconds=time.monotonic() - self.began,
            folder=self.folder,
            signal=self.requests.signal,
            failures=dict(self.errors),
        )
