"""One orchestrator at a time in each branch of a workspace; the system frees the lock of a dead one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from epuredgm.core.errors import BadRequest, CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.places import Workspace
from epuredgm.orchestration.lease import Identity, is_alive
from epuredgm.orchestration.records import now

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Holder:
    """Who works in a branch, since when, with which command."""

    host: str
    boot: str
    pid: int
    token: str
    since: str
    command: str

    def text(self) -> str:
        """For people."""
        since = self.since[:19].replace("T", " ")
        return f"process {self.pid} on {self.host}, since {since}" + (
            f" ({self.command})" if self.command else ""
        )


@contextmanager
def hold(workspace: Workspace, command: str, *, wait: bool, say: Callable[[str], None]) -> Iterator[None]:
    """Be the one orchestrator of a branch while the block runs.

    Args:
        workspace: which branch.
        command: told to those who come second.
        wait: wait for another one to end, rather than give up.
        say: told, once, whom it waits for.

    Raises:
        BadRequest: if another one is at work and ``wait`` is off; names it.
    """
    from filelock import FileLock, Timeout

    workspace.private.mkdir(parents=True, exist_ok=True)
    lock = FileLock(workspace.lock, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = _who(workspace)
        if not wait:
            hint = "Let it finish, stop it, or give --wait to start when it has ended."
            raise BadRequest(f"another run is at work in {workspace.base}: {who}", hint) from None
        say(f"waiting for another run in {workspace.base}: {who}")
        lock.acquire(poll_interval=POLL_SECONDS)
    try:
        own = Identity.own()
        write_json(_about(workspace), asdict(Holder(**asdict(own), since=now(), command=command)))
        yield
    finally:
        with suppress(OSError):
            _about(workspace).unlink()
        lock.release()


def holder(workspace: Workspace) -> Holder | None:
    """Who works in a branch now, if it says so and is alive; on another host, its word is taken."""
    with suppress(OSError, CorruptArtefact, TypeError):
        found = Holder(**read_json(_about(workspace)))
        who = Identity(found.host, found.boot, found.pid, found.token)
        return found if who.host != Identity.own().host or is_alive(who) else None
    return None


@contextmanager
def hold_job(record: Path, seconds: float = 10.0) -> Iterator[None]:
    """Be the one process that works on a job, whoever launched it.

    A worker whose orchestrator was killed may need a moment to notice; hence the wait.

    Raises:
        BadRequest: if another process is still at it after ``seconds``.
    """
    from filelock import FileLock, Timeout

    path = record.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise BadRequest(
            f"another process is working on this job ({record.stem})",
            "It was started by a run that has died; end it, or wait for it, and give the same command again.",
        ) from None
    try:
        yield
    finally:
        lock.release()


def _who(workspace: Workspace) -> str:
    found = holder(workspace)
    return found.text() if found is not None else "it has not said who it is"


def _about(workspace: Workspace) -> Path:
    return workspace.lock.with_suffix(".json")
