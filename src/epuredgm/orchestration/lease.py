"""Who is truly at work: a process is known by host, boot, id and start, and *running* is never stored.

On this host the kernel is asked; about another host only the age of the job's heartbeat file can tell.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json

LEASE_SECONDS = 120.0
"""A process on another host whose heartbeat is older is lost. Its clock is not asked, only the file's age."""


@dataclass(frozen=True)
class Identity:
    """One process, told apart from every other, also after a reboot or when its number is given again."""

    host: str
    boot: str
    pid: int
    token: str

    @classmethod
    def own(cls) -> Identity:
        """This process."""
        return cls(host_name(), boot_id(), os.getpid(), start_token(os.getpid()) or "")


@lru_cache(maxsize=1)
def host_name() -> str:
    """This machine's name."""
    return socket.gethostname()


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Since when this machine, or container, counts its processes."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str(Path("/proc/self/ns/pid").readlink())  # containers number their processes apart
        return f"{boot} {space}"
    import psutil

    return str(round(psutil.boot_time() / 60))  # minutes: the figure wobbles with the clock


def start_token(pid: int) -> str | None:
    """When a process started, as a word to compare; None if there is none, or none but a zombie."""
    if Path("/proc/self/stat").exists():
        try:
            fields = (
                Path(f"/proc/{pid}/stat")
                .read_text(encoding="utf-8", errors="replace")
                .rpartition(")")[2]
                .split()
            )
        except OSError:
            return None
        return None if fields[0] in ("Z", "X") else fields[19]  # ticks from boot to start
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.0f}"
    except psutil.Error:
        return None


def is_alive(process: Identity, *traces: Path) -> bool:
    """Whether a process is at work.

    Args:
        process: who wrote the record.
        traces: files that it renews while it works: all there is to judge a process on another host by.
    """
    if process.host == host_name():
        return process.boot == boot_id() and start_token(process.pid) == process.token
    for trace in traces:
        with suppress(OSError):
            if time.time() - trace.stat().st_mtime < LEASE_SECONDS:
                return True
    return False


@dataclass(frozen=True)
class Beat:
    """How far a running job is: ``done`` of ``total`` units of ``what``, with figures such as the loss."""

    done: float = 0.0
    total: float = 0.0
    what: str = "starting"
    figures: Mapping[str, float] = field(default_factory=dict)
    time: float = 0.0  # seconds since 1970, the writer's clock

    def write(self, path: Path) -> None:
        """Write the heartbeat atomically, stamped with the time."""
        write_json(path, {**asdict(self), "time": time.time()})

    @classmethod
    def read(cls, path: Path) -> Beat | None:
        """Read a heartbeat; None if there is none."""
        with suppress(OSError, CorruptArtefact, TypeError):
            return cls(**read_json(path))
        return None


def beat_path(record: Path) -> Path:
    """The heartbeat file beside a record."""
    return record.with_suffix(".beat")
