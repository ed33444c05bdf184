"""One orchestrator at a time in each branch of a workspace; the system frees the lock of a dead one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from epuredgm.core.errors import BadRequest, CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.places import Workspace
from epuredgm.orchestration.lease import Identity, Watch
from epuredgm.orchestration.records import now
from epuredgm.orchestration.soft_lease import lock_at


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
    workspace.private.mkdir(parents=True, exist_ok=True)
    lock = lock_at(workspace.lock, say)
    if not lock.acquire(0):
        who = _who(workspace)
        if not wait:
            hint = "Let it finish, stop it, or give --wait to start when it has ended."
            raise BadRequest(f"another run is at work in {workspace.base}: {who}", hint)
        say(f"waiting for another run in {workspace.base}: {who}")
        lock.acquire(None)
    try:
        own = Identity.own()
        write_json(_about(workspace), asdict(Holder(**asdict(own), since=now(), command=command)))
        yield
    finally:
        with suppress(OSError):
            _about(workspace).unlink()
        lock.release()


def holder(workspace: Workspace, watch: Watch | None = None) -> Holder | None:
    """Who works in a branch now, if it says so and is alive; on another host, its word is taken, or its lease
    is looked at where there is one.

    Args:
        workspace: which branch.
        watch: what has been seen of other hosts.
    """
    with suppress(OSError, CorruptArtefact, TypeError):
        found = Holder(**read_json(_about(workspace)))
        who = Identity(found.host, found.boot, found.pid, found.token)
        lease = workspace.lock.with_suffix(".lease")
        if who.host != Identity.own().host and not lease.exists():
            return found
        return found if (watch or Watch()).runs(who, lease) else None
    return None


@contextmanager
def hold_job(record: Path, seconds: float = 10.0) -> Iterator[None]:
    """Be the one process that works on a job, whoever launched it.

    A worker whose orchestrator was killed may need a moment to notice; hence the wait.

    Raises:
        BadRequest: if another process is still at it after ``seconds``.
    """
    path = record.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_at(path, lambda text: None)  # the orchestrator has said it
    if not lock.acquire(seconds):
        raise BadRequest(
            f"another process is working on this job ({record.stem})",
            "It was started by a run that has died; end it, or wait for it, and give the same command again.",
        )
    try:
        yield
    finally:
        lock.release()


def _who(workspace: Workspace) -> str:
    found = holder(workspace)
    return found.text() if found is not None else "it has not said who it is"


def _about(workspace: Workspace) -> Path:
    return workspace.lock.with_suffix(".json")
