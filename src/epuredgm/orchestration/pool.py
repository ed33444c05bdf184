"""Worker processes: a fresh one for each job, forked from a warm server, one at a time on each device.

The server has imported what the jobs need and touched no device, so that a worker is ready at once and a job
that dies takes nothing with it. Where there is no such server (Windows), processes are spawned. A worker
whose orchestrator dies sees its channel close, and ends.
"""

from __future__ import annotations

import importlib
import multiprocessing as mp
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any

from epuredgm.core.errors import EpureError
from epuredgm.core.stops import deaf
from epuredgm.core.threads import thread_variables
from epuredgm.orchestration.server import Server, no_main

SERVER_LOST = 255
"""Exit code that multiprocessing gives when the server died and cannot tell; the worker itself may go on."""


@dataclass(frozen=True)
class Progressed:
    """A job is so far."""

    key: str
    done: float
    total: float
    what: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Noted:
    """A job has something to say."""

    key: str
    text: str


@dataclass(frozen=True)
class Report:
    """A worker's last word: the record's status, time, exit class and, if it did not go well, the error."""

    status: str
    seconds: float
    exit_class: str
    error: str | None


@dataclass(frozen=True)
class Ended:
    """A worker's process is gone; ``report`` is None if it died before its last word."""

    key: str
    report: Report | None
    exit_code: int
    pid: int


@dataclass(frozen=True)
class Ready:
    """The server has imported what the jobs need: the first worker can start."""


Event = Progressed | Noted | Ended | Ready


@dataclass
class _Worker:
    key: str
    device: str
    process: Any  # the class differs by start method
    channel: Connection
    report: Report | None = None
    watched: list[Any] = field(default_factory=list)
    silent: float = 0.0  # seconds that we have listened to it in vain


class Pool:
    """Runs job files on devices, one job at a time on each.

    Args:
        devices: e.g. ``["cpu"]`` or ``["cuda:0", "cuda:1"]``.
        threads: threads that each worker may use.
        worker: module whose ``carry_out(path, channel)`` does a job.
        preload: modules that the server imports before the first job; those that do not exist are skipped.
    """

    def __init__(self, devices: Sequence[str], threads: int, worker: str, preload: Collection[str]) -> None:
        self._free = list(devices)
        self._threads = threads
        self._module = worker
        self._preload = list(preload)
        self._workers: dict[str, _Worker] = {}
        self._context: Any = None
        self._server: Server | None = None
        self._listened = time.monotonic()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(grace=10.0)

    @property
    def busy(self) -> bool:
        """Whether any job runs."""
        return bool(self._workers)

    def free_device(self) -> str | None:
        """A device on which nothing runs, or None."""
        return self._free[0] if self._free else None

    def silence(self, key: str) -> float:
        """Seconds without a sign of life from a job's worker.

        Only the time counts in which somebody listened: after a pause of this process (Ctrl-Z, a suspended
        machine) workers are heard before they are judged.
        """
        return self._workers[key].silent

    @property
    def warming(self) -> bool:
        """Whether the server still imports, so that nothing can be launched yet; :class:`Ready` ends it."""
        return self._server is not None and not self._server.told

    def warm(self) -> None:
        """Start the server, which goes on importing while the caller does other things.

        Raises:
            EpureError: if the system lets no server start.
        """
        if self._context is not None:
            return
        if "forkserver" not in mp.get_all_start_methods():
            self._context = mp.get_context("spawn")
            return
        self._context = mp.get_context("forkserver")
        self._context.set_forkserver_preload(self._preload)
        with _environment(self._threads), deaf(), no_main():
            self._server = Server(self._context)
        self._server.ask()

    def launch(self, key: str, job_file: Path, device: str) -> None:
        """Start a worker on a device that is free.

        Raises:
            EpureError: if the system gives no process.
        """
        self.warm()
        if self._server is not None:
            self._server.wait(None)
        ours, theirs = self._context.Pipe(duplex=True)
        process = self._context.Process(
            target=enter, args=(self._module, str(job_file), theirs), name=f"epuredgm {key}"
        )
        try:
            with _environment(self._threads), no_main():
                process.start()
        except (EOFError, OSError) as error:
            raise EpureError(f"cannot start a worker process: {error or type(error).__name__}") from error
        theirs.close()
        self._free.remove(device)
        self._workers[key] = _Worker(key, device, process, ours, watched=[ours, process.sentinel])

    def poll(self, seconds: float) -> list[Event]:
        """What has happened; waits up to ``seconds`` for something to."""
        if self._server is not None and self.warming:
            return [Ready()] if self._server.wait(seconds) else []
        watched = [handle for worker in self._workers.values() for handle in worker.watched]
        if not watched:
            time.sleep(seconds)
            return []
        ready = set(map(id, wait(watched, seconds)))
        passed, self._listened = time.monotonic() - self._listened, time.monotonic()
        events: list[Event] = []
        for worker in list(self._workers.values()):
            worker.silent += min(passed, 2 * seconds)
            if any(id(handle) in ready for handle in worker.watched):
                events.extend(self._hear(worker))
        return events

    def stop(self) -> None:
        """Ask every worker to save what it has and end."""
        for worker in self._workers.values():
            with suppress(OSError):
                worker.channel.send(("stop",))

    def kill(self, *keys: str) -> None:
        """End the workers of these jobs, or every worker, at once."""
        for worker in self._workers.values():
            if not keys or worker.key in keys:
                with suppress(ProcessLookupError):
                    worker.process.kill()

    def close(self, grace: float) -> None:
        """End whatever still runs: ask, wait up to ``grace`` seconds, then kill."""
        if self._server is not None and self.warming:
            self._server.end()
        self.stop()
        deadline = time.monotonic() + grace
        while self._workers and time.monotonic() < deadline:
            self.poll(0.1)
        self.kill()
        for worker in self._workers.values():
            worker.process.join(timeout=5)
        self._workers.clear()

    def _hear(self, worker: _Worker) -> Iterator[Event]:
        """Everything that one worker has sent, and its end if it has ended."""
        gone = False
        while not gone:
            try:
                if not worker.channel.poll():
                    break
                message = worker.channel.recv()
            except (EOFError, OSError):
                gone = True
                break
            worker.silent = 0.0
            event = self._understand(worker, message)
            if event is not None:
                yield event
        code = worker.process.exitcode
        if code == SERVER_LOST and not gone:
            worker.watched = [worker.channel]  # only the channel can tell now
        elif gone or code is not None:
            yield self._end(worker)

    def _understand(self, worker: _Worker, message: tuple[Any, ...]) -> Event | None:
        kind, *content = message
        if kind == "progress":
            return Progressed(worker.key, *content)
        if kind == "note":
            return Noted(worker.key, *content)
        if kind == "alive":
            return None
        worker.report = Report(*content)
        return None

    def _end(self, worker: _Worker) -> Ended:
        worker.process.join(timeout=5)
        code = worker.process.exitcode
        worker.channel.close()
        del self._workers[worker.key]
        self._free.append(worker.device)
        return Ended(
            worker.key, worker.report, SERVER_LOST if code is None else code, worker.process.pid or 0
        )


def enter(module: str, job_file: str, channel: Connection) -> None:
    """Where a worker process begins: hand the job to ``module.carry_out``."""
    carry_out: Callable[[str, Connection], int] = importlib.import_module(module).carry_out
    sys.exit(carry_out(job_file, channel))


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """For processes that start in the block: how many threads, how they wait, and a safe path.

    A ``random.py`` or ``signal.py`` in the working directory must not stand in for Python's own.
    """
    wanted = thread_variables(threads)
    wanted.setdefault("PYTHONSAFEPATH", os.environ.get("PYTHONSAFEPATH", "1"))  # known from Python 3.11 on
    former = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
