"""Locks between processes: the system's where the file system has them, else a file that its owner renews.

Some network file systems refuse ``flock``. There a lease stands in: a file that names its owner and changes
every few seconds while the owner lives. It excludes as well as such a file can: two that come in the same
moment are told apart by the file system, and a dead owner is recognised by what the file does while we look.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.room import without_waiting
from epuredgm.core.typed import misfits
from epuredgm.orchestration.lease import Identity, Watch

POLL_SECONDS = 0.2
RENEW_SECONDS = 2.0
REFUSED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""What file systems say that have no locks."""


class Lock(Protocol):
    """One process at a time has it."""

    def acquire(self, seconds: float | None) -> bool:
        """Try for so long, or without end; whether it was had."""

    def release(self) -> None:
        """Give it up."""


def lock_at(path: Path, say: Callable[[str], None]) -> Lock:
    """The lock at a path, whose folder is there.

    Args:
        path: of the lock's file.
        say: told where the file system has no locks.
    """
    if _has_locks(path.parent):
        return SystemLock(path)
    say(f"{path.parent} is on a disk without locks: a file that is renewed while a run is at work stands in")
    return SoftLease(path.with_suffix(".lease"))


class SystemLock:
    """The file system's own; it frees that of a dead process."""

    def __init__(self, path: Path) -> None:
        from filelock import FileLock

        self._lock = FileLock(path, thread_local=False)

    def acquire(self, seconds: float | None) -> bool:
        """See :class:`Lock`."""
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=-1 if seconds is None else seconds, poll_interval=POLL_SECONDS)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """See :class:`Lock`."""
        self._lock.release()


@dataclass(frozen=True)
class Lease:
    """What the file says: whose it is, and how often it was renewed."""

    host: str
    boot: str
    pid: int
    token: str
    beats: int = 0

    @property
    def owner(self) -> Identity:
        """Whose it is."""
        return Identity(self.host, self.boot, self.pid, self.token)


class SoftLease:
    """A file with its owner in it, renewed by a thread of the owner."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watch = Watch()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self, seconds: float | None) -> bool:
        """See :class:`Lock`; to tell whether an owner on another host lives takes some seconds more."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._take():
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        self._over.clear()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()
        return True

    def release(self) -> None:
        """See :class:`Lock`."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self._is_ours():
            self._path.unlink(missing_ok=True)

    def _take(self) -> bool:
        """Make the file, or take over that of a dead owner."""
        try:
            content = _read(self._path)
        except FileNotFoundError:
            return self._make()
        if content is None:
            self._put_aside(None)  # written by halves, or by something else
        elif self._watch.runs(content.owner, self._path):
            return False
        else:
            self._put_aside(content.owner)
        return self._make()

    def _make(self) -> bool:
        """The file under a name of its own first: it appears whole, and only if there is none."""
        own = self._path.with_name(f".{self._path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        write_json(own, asdict(self._lease(0)))
        try:
            os.link(own, self._path)
        except FileExistsError:
            return False
        except OSError:  # no hard links either
            return self._make_without_links()
        finally:
            own.unlink(missing_ok=True)
        return True

    def _make_without_links(self) -> bool:
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        write_json(self._path, asdict(self._lease(0)))
        return True

    def _put_aside(self, owner: Identity | None) -> None:
        """Take a dead owner's file away, unless somebody else has done so and put theirs there."""
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}.{threading.get_ident()}.old.tmp")
        with suppress(FileNotFoundError):
            self._path.rename(aside)
            found = _read(aside)
            if found is not None and found.owner != owner:
                with suppress(OSError):
                    os.link(aside, self._path)
            aside.unlink()

    def _renew(self) -> None:
        beats = 0
        while not self._over.wait(RENEW_SECONDS):
            if not self._is_ours():
                return  # somebody took us for dead: theirs stays
            beats += 1
            with suppress(OSError), without_waiting():
                write_json(self._path, asdict(self._lease(beats)))

    def _is_ours(self) -> bool:
        with suppress(FileNotFoundError):
            found = _read(self._path)
            return found is not None and found.owner == Identity.own()
        return False

    @staticmethod
    def _lease(beats: int) -> Lease:
        return Lease(**asdict(Identity.own()), beats=beats)


def _read(path: Path) -> Lease | None:
    """The lease, or None if something else is there.

    Raises:
        FileNotFoundError: if nothing is: not the same, since what appears right after is somebody's lease.
    """
    try:
        found = Lease(**read_json(path))
    except FileNotFoundError:
        raise
    except (OSError, CorruptArtefact, TypeError):
        return None
    return None if misfits(found) else found


def _has_locks(folder: Path) -> bool:
    """Whether the file system lets a file be locked; asked of a file that nobody else knows."""
    try:
        import fcntl
    except ImportError:
        return True  # Windows has locks of another kind
    with tempfile.TemporaryFile(prefix=".lock.", suffix=".tmp", dir=folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in REFUSED:
                return False
            raise
    return True
