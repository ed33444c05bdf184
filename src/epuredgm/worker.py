"""Carries out jobs, one at a time: checks what it is given, runs the stage, and writes down how it went.

``python -m epuredgm.worker JOB.json...`` on a cluster; ``carry_out`` in a process of the pool. Whatever a
stage prints goes to the job's log. A job that fails leaves a record that says why, in one line; the traceback
is in the log.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from epuredgm import stages
from epuredgm.core.errors import CorruptArtefact, EpureError, Interrupted
from epuredgm.core.jobs import Artefact, JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.room import FULL, patiently, waiting_for_room, without_waiting
from epuredgm.core.stops import STOPS, heeded
from epuredgm.orchestration.archive import WEIGHTS, kept, save
from epuredgm.orchestration.artefacts import artefact, extent, remove_damaged, require_intact
from epuredgm.orchestration.faults import exit_class, one_line
from epuredgm.orchestration.lease import beat_path
from epuredgm.orchestration.locks import hold_job
from epuredgm.orchestration.pointers import write_pointer
from epuredgm.orchestration.pulse import Line, Pulse
from epuredgm.orchestration.records import Record

Stage = Callable[[JobFile, Monitor], dict[str, Path]]

EXIT_CODES = {"done": 0, "failed": 1, "interrupted": 130}
ORPHANED = 75


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out job files one after the other; the exit code is that of the worst, 2 for one that is none."""
    paths = sys.argv[1:] if arguments is None else arguments
    if not paths or paths[0].startswith("-"):
        print("usage: python -m epuredgm.worker JOB.json...", file=sys.stderr)
        return 2
    worst = 0
    for path in paths:
        try:
            code = carry_out(path)
        except (EpureError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            code = 2
        worst = max(worst, code)
        if code == EXIT_CODES["interrupted"]:
            break
    return worst


def carry_out(path: str, channel: Connection | None = None, run: Stage = stages.run) -> int:
    """Carry out one job file.

    Args:
        path: the job file.
        channel: to the orchestrator, which hears of progress and may ask to stop; None when there is none.
        run: what does the work.

    Returns:
        0 done, 1 failed, 130 stopped when asked to.
    """
    stop = threading.Event()
    line = Line(channel) if channel is not None else None
    _listen(stop, line)
    job = JobFile.read(Path(path))
    _limit_threads(job.threads)
    patience = 60.0 * float(job.config.get("study", {}).get("full_disk_minutes", 0))

    def say(text: str) -> None:
        print(text, flush=True)
        if line is not None:
            with suppress(OSError):
                line.send(("note", text))

    try:
        with waiting_for_room(patience, say, stop.is_set), _output_to(Path(job.log)):
            status, seconds, kind, error = _Work(job, line, stop, run).do()
    except (OSError, Interrupted) as fault:  # not even the log can be written
        kind = exit_class(fault)
        status, seconds = "interrupted" if kind == "interrupted" else "failed", 0.0
        error = one_line(fault, Path(job.workspace), job.stage)
    if line is not None:
        with suppress(OSError):
            line.send(("finished", status, seconds, kind, error))
    elif error:
        print(f"{status}: {job.key}: {error}\n  log: {job.log}", file=sys.stderr)
    return EXIT_CODES[status]


class _Work:
    """One attempt at one job."""

    def __init__(self, job: JobFile, channel: Line | None, stop: threading.Event, run: Stage) -> None:
        self.job = job
        self.workspace = Workspace(Path(job.workspace), job.branch)
        self.place = self.workspace.record(job.key)
        self.channel = channel
        self.stop = stop
        self.run = run
        self.record: Record | None = None

    def do(self) -> tuple[str, float, str, str | None]:
        """Status, seconds, exit class and error."""
        began = time.monotonic()
        print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}  {self.job.key} on {self.job.device}", flush=True)
        try:
            with hold_job(self.place):
                self._work(began)
            return "done", time.monotonic() - began, "ok", None
        except BaseException as error:
            return self._failed(error, time.monotonic() - began)
        finally:
            print(f"--- {time.monotonic() - began:.1f} s", flush=True)

    def _work(self, began: float) -> None:
        job = self.job
        former = self._former()
        self.record = Record.begin(job, former, self._log())
        save(self.record, self.workspace)
        if former is not None and former.run == job.run:
            self._clear(former)
        with Pulse(beat_path(self.place), self.channel, self.stop) as monitor:
            for name, made in job.inputs.items():
                require_intact(name, made, self.workspace)
            outputs = self.run(job, monitor)
            for path in outputs.values():
                _sweep(path)
            made_now = {name: artefact(path, self.workspace) for name, path in outputs.items()}
        if job.run and job.seed is not None:
            self._point(job.seed)
        host, device = _peak_memory()
        done = self.record.ended("done", "ok", time.monotonic() - began)
        self.record = replace(
            done, outputs=made_now, bytes=self._size(made_now), peak_memory=host, peak_device_memory=device
        )
        save(self.record, self.workspace)

    def _failed(self, error: BaseException, seconds: float) -> tuple[str, float, str, str | None]:
        """Write down what went wrong, as far as the disk allows; the orchestrator is told in any case."""
        kind = exit_class(error)
        status = "interrupted" if kind == "interrupted" else "failed"
        text = one_line(error, self.workspace.base, self.job.stage)
        if isinstance(error, EpureError):
            print(f"{status}: {error}", flush=True)
        else:
            traceback.print_exception(error)
        if self.record is not None:
            with suppress(OSError), without_waiting():
                save(self.record.ended(status, kind, seconds, text), self.workspace)
        return status, seconds, kind, text

    def _clear(self, former: Record) -> None:
        """Remove what is damaged of a finished run that is gone on with; without weights it begins anew."""
        assert self.record is not None
        removed = remove_damaged(former.outputs, self.workspace)
        for name in removed:
            print(f"{name} is not what was written: it is made again", flush=True)
        if WEIGHTS in former.outputs and former.outputs[WEIGHTS].path in removed:
            self.record = replace(self.record, seconds=0.0)

    def _former(self) -> Record | None:
        """What was done before, in the folder of the run that is gone on with, or else by this job."""
        here = kept(self.job.run, self.workspace) if self.job.run else None
        try:
            own = Record.read(self.place)
            return own if here is None or own.run == self.job.run else here
        except FileNotFoundError:
            return here
        except CorruptArtefact as error:
            print(error.message, flush=True)
            return here

    def _log(self) -> str:
        log = Path(self.job.log)
        return self.workspace.relative(log) if log.is_relative_to(self.workspace.root) else str(log)

    def _point(self, seed: int) -> None:
        """``run_seed<N>`` moves to this run; a pointer is a convenience and fails nothing."""
        pointer = self.workspace.run_pointer(f"{self.job.model}_{self.job.dataset}", seed)
        try:
            write_pointer(pointer, self.workspace.root / self.job.run)
        except (EpureError, OSError) as error:
            text = f"the pointer {pointer} was not moved: {error}"
            print(text, flush=True)
            if self.channel is not None:
                self.channel.send(("note", text))

    def _size(self, outputs: dict[str, Artefact]) -> int:
        if self.job.run:
            return extent(self.workspace.root / self.job.run)[0]
        return sum(made.bytes for made in outputs.values())


def _listen(stop: threading.Event, channel: Line | None) -> None:
    """Hear requests to stop: by signal, or through the channel, which ends when the orchestrator dies."""

    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is threading.main_thread():
        for number in heeded() if channel is None else STOPS:
            # Ctrl-C and a hang-up reach all processes of the terminal; the orchestrator speaks for a pool
            ours = channel is None or signal.Signals(number).name not in ("SIGINT", "SIGHUP")
            signal.signal(number, asked if ours else signal.SIG_IGN)
    if channel is not None:
        threading.Thread(target=_watch, args=(channel, stop), name="channel", daemon=True).start()


def _watch(channel: Line, stop: threading.Event) -> None:
    while True:
        try:
            channel.recv()
        except (EOFError, OSError):
            os._exit(ORPHANED)
        stop.set()


def _sweep(path: Path) -> None:
    """Remove the temporary files of workers that were killed while they wrote ``path``; we hold its lock."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        if left.is_file():
            left.unlink()


def _limit_threads(count: int) -> None:
    """Set the number of threads of what is imported already; what comes later reads the environment."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(count)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)


def _peak_memory() -> tuple[int | None, int | None]:
    """Peak main memory of this process and peak reserved device memory, in bytes."""
    host = None
    with suppress(ImportError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return host, None
    return host, max(int(torch.cuda.max_memory_reserved(i)) for i in range(torch.cuda.device_count()))


class _Log(io.FileIO):
    """The log of a job, on which no job depends: what finds no room on the disk is left out, and counted."""

    lost = 0

    def write(self, content: Any) -> int:
        length = memoryview(content).nbytes
        try:
            if self.lost:
                super().write(f"... {self.lost} bytes are missing: the disk was full\n".encode())
                self.lost = 0
            return super().write(content)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.lost += length
            return length


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Append everything that the process writes, also from C, to a log file."""
    patiently(lambda: log.parent.mkdir(parents=True, exist_ok=True), log)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that are no UTF-8; accents under ASCII
    former = [os.dup(number) for number in (1, 2)]
    with patiently(lambda: log.open("ab", buffering=0), log) as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(
            io.BufferedWriter(_Log(number, "a", closefd=False)),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        for number in (1, 2)
    )
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = streams
        for number, kept in zip((1, 2), former, strict=True):
            os.dup2(kept, number)
            os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
