"""A disk that is full for a moment: whoever writes waits for room, for as long as this process was told to.

Without :func:`waiting_for_room` nobody waits. Inside it, a write that finds the disk or a quota full says so
once, tries again every second, and goes on where it was as soon as there is room; when the time is over, or
when the process is asked to stop, the error is raised after all.
"""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from epuredgm.core.errors import Interrupted

FULL = (errno.ENOSPC, errno.EDQUOT)
RETRY_SECONDS = 1.0
AGAIN_SECONDS = 300.0  # between two lines about one wait

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long to wait, who is told, and who may end it."""

    seconds: float
    say: Callable[[str], None]
    stopping: Callable[[], bool]


_NONE = Patience(0.0, lambda text: None, lambda: False)
_patience = _NONE
_waiting = threading.Lock()  # threads that wait at once say so once
_hurried = threading.local()


@contextmanager
def waiting_for_room(
    seconds: float, say: Callable[[str], None], stopping: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """All writes of this process wait for room while the block runs.

    Args:
        seconds: the longest wait of one write; 0 waits for nothing.
        say: told when a wait begins and ends.
        stopping: asked while it waits; a wait that is to stop raises :class:`Interrupted`.
    """
    global _patience  # one disk, one process, one policy: writers are everywhere
    former, _patience = _patience, Patience(seconds, say, stopping)
    try:
        yield
    finally:
        _patience = former


@contextmanager
def without_waiting() -> Iterator[None]:
    """Writes of this thread do not wait while the block runs: they are of no use later."""
    _hurried.now = True
    try:
        yield
    finally:
        _hurried.now = False


def patiently(write: Callable[[], T], path: Path) -> T:
    """The result of ``write``, which writes all or nothing at ``path``; tried again while the disk is full.

    Raises:
        OSError: if it is full for too long, or something else is wrong.
        Interrupted: if the process is asked to stop meanwhile.
    """
    try:
        return write()
    except OSError as error:
        if error.errno not in FULL or _patience.seconds <= 0 or getattr(_hurried, "now", False):
            raise
        with _Wait(path, error) as wait:
            while True:
                wait.a_moment()
                try:
                    return write()
                except OSError as again:
                    if again.errno not in FULL or wait.over():
                        raise


class _Wait:
    """One wait for room, told at its beginning and end."""

    def __init__(self, path: Path, error: OSError, since: float | None = None) -> None:
        self._path, self._patience = path, _patience
        self._what = "the quota is used up" if error.errno == errno.EDQUOT else "the disk is full"
        self._spoken = time.monotonic()
        self._began = self._spoken if since is None else since

    def __enter__(self) -> _Wait:
        self._alone = _waiting.acquire(blocking=False)
        limit = _words(self._patience.seconds)
        self._say(f"{self._what}: waiting up to {limit} for room to write {self._path}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is None and not self.over():
            self._say(f"there is room again after {_words(time.monotonic() - self._began)}")
        if self._alone:
            _waiting.release()

    def a_moment(self) -> None:
        """Let some time pass.

        Raises:
            Interrupted: if the process is asked to stop.
        """
        until = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < until:
            if self._patience.stopping():
                raise Interrupted(f"stopped while {self._what}", "Make room and give the same command again.")
            time.sleep(min(0.1, RETRY_SECONDS))
        if time.monotonic() - self._spoken >= AGAIN_SECONDS:
            self._spoken = time.monotonic()
            self._say(f"{self._what} still: {self._path}")

    def over(self) -> bool:
        """Whether there has been enough waiting."""
        return time.monotonic() - self._began >= self._patience.seconds

    def _say(self, text: str) -> None:
        if self._alone:
            self._patience.say(text)


def patient_file(path: Path | int, mode: str, named: Path) -> BinaryIO:
    """A binary file for writing, each of whose writes waits for room.

    Args:
        path: the file, or an open descriptor of it.
        mode: ``w`` or ``a``.
        named: what it is called when a wait is told.
    """
    return io.BufferedWriter(patiently(lambda: _Patient(path, mode, named), named))


def try_again(folder: Path, since: float, pause: float) -> bool:
    """Wait until there is room in a folder, for work that has found none; False if that takes too long.

    Args:
        folder: where room is needed.
        since: ``time.monotonic()`` when the work first found none: from then on the waiting counts.
        pause: seconds that pass in any case.

    Raises:
        Interrupted: if the process is asked to stop.
    """
    if _patience.seconds <= 0:
        return False
    with _Wait(folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), since) as wait:
        begun = time.monotonic()
        while not wait.over():
            wait.a_moment()
            if time.monotonic() - begun >= pause and is_writable(folder):
                return True
    return False


class _Patient(io.FileIO):
    """A raw file. The system writes a part or nothing of what it is given, so what it refused can be given
    again.
    """

    def __init__(self, path: Path | int, mode: str, named: Path) -> None:
        super().__init__(path, mode)
        self._named = named

    def write(self, content: Any) -> int:
        return patiently(lambda: super(_Patient, self).write(content), self._named)


def is_writable(folder: Path, count: int = 1 << 16) -> bool:
    """Whether ``count`` bytes can be written to a folder: quotas are told by no other means."""
    trial = folder / f".room.{os.getpid()}.tmp"
    try:
        handle = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            if os.write(handle, bytes(count)) < count:
                return False
            os.fsync(handle)
        finally:
            os.close(handle)
            trial.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in FULL:
            return False
        raise
    return True


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
