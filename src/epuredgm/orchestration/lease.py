"""Who is truly at work: a process is known by host, boot, id and start, and *running* is never stored.

On this host the kernel is asked; about another host only a heartbeat can tell that changes while we look. No
file's time is held against a clock: the clocks of two machines, or of a machine and a disk, may differ.
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
from epuredgm.core.typed import misfits

LOOK_SECONDS = 10.0
"""How long a heartbeat is looked at, five beats, before a process on another host is lost."""
LEASE_SECONDS = 120.0
"""How long a process that was seen at work may be silent."""
GLANCE_SECONDS = 0.1


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


def is_alive(process: Identity) -> bool:
    """Whether a process on this host is at work."""
    return process.boot == boot_id() and start_token(process.pid) == process.token


@dataclass
class _Sight:
    content: tuple[bytes | None, ...]
    since: float
    changed: float | None = None


class Watch:
    """What this process has itself seen of the heartbeats of others; the longer it looks, the more it knows.

    Args:
        look: seconds after which traces that have not changed are those of a lost process; as a rule
            :data:`LOOK_SECONDS`.
    """

    def __init__(self, look: float | None = None) -> None:
        self._look = LOOK_SECONDS if look is None else look
        self._seen: dict[tuple[Path, ...], _Sight] = {}

    def begin(self, process: Identity, *traces: Path) -> None:
        """Look once, so that the time counts until :meth:`runs` is asked."""
        if process.host != host_name():
            self._glance(traces)

    def runs(self, process: Identity, *traces: Path) -> bool:
        """Whether a process is at work; waits until that is known.

        Args:
            process: who it is.
            traces: files that it renews while it works: all there is to judge a process on another host by.
        """
        if process.host == host_name():
            return is_alive(process)
        while True:
            sight = self._glance(traces)
            now = time.monotonic()
            if sight.changed is not None:
                return now - sight.changed < LEASE_SECONDS
            if now - sight.since >= self._look:  # also where nothing is: what was lost is written again
                return False
            time.sleep(GLANCE_SECONDS)

    def _glance(self, traces: tuple[Path, ...]) -> _Sight:
        content = tuple(_content(trace) for trace in traces)  # not its time: a network disk keeps old ones
        sight = self._seen.setdefault(traces, _Sight(content, time.monotonic()))
        if content != sight.content:
            sight.content, sight.changed = content, time.monotonic()
        return sight


def _content(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None


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
            found = cls(**read_json(path))
            return None if misfits(found) else found
        return None


def beat_path(record: Path) -> Path:
    """The heartbeat file beside a record."""
    return record.with_suffix(".beat")
