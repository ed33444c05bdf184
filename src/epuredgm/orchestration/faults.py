"""What an error means: a full disk, exhausted memory, a closed workspace, or a fault of ours."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from epuredgm.core.errors import BadRequest, EpureError, Interrupted, is_out_of_memory
from epuredgm.core.jobs import Stage
from epuredgm.core.places import Workspace

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def explained(workspace: Workspace) -> Iterator[None]:
    """Turn the file system's errors into the user's.

    Raises:
        EpureError: if the disk is full; what was finished before is intact.
        BadRequest: if the workspace cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            hint = "Make room and give the same command again; all that was finished is kept."
            raise EpureError(disk_full(workspace.base), hint) from error
        if error.errno in CLOSED:
            where = error.filename2 or error.filename or workspace.base
            raise BadRequest(
                f"cannot write {where}: {error.strerror}",
                "Choose a folder that you may write with --workspace DIR.",
            ) from error
        raise


def disk_full(place: Path) -> str:
    """How much is free where."""
    while not place.exists():
        place = place.parent
    return f"the disk is full: {shutil.disk_usage(place).free / 1e6:.0f} MB free in {place}"


def exit_class(error: BaseException) -> str:
    """``interrupted``, ``disk-full``, ``oom`` or ``failed``."""
    if isinstance(error, Interrupted):
        return "interrupted"
    for cause in _causes(error):
        text = str(cause).lower()
        if (isinstance(cause, OSError) and cause.errno in FULL) or "no space left on device" in text:
            return "disk-full"
        if is_out_of_memory(cause):
            return "oom"
    return "failed"


MEMORY_KEYS = {
    Stage.TRAIN: "training.micro_batch=1, or a smaller model.network",
    Stage.SAMPLE: "sampling.batch_size=1",
    Stage.REFERENCE: "a smaller reference.domain.batch_size",
    Stage.EVALUATE: "a smaller sampling.num_samples",
}
"""What to set where memory ran out although halving the batch was tried."""


def one_line(error: BaseException, place: Path, stage: Stage | None = None) -> str:
    """An error in one line, for records and ``errors.log``.

    Args:
        error: what was raised.
        place: a folder on the disk that was written.
        stage: of the job that met it.
    """
    kind = exit_class(error)
    if kind == "disk-full":
        return disk_full(place)
    text = " ".join(str(error).split())
    if isinstance(error, EpureError):
        message, hint = " ".join(error.message.split()), " ".join(error.hint.split())
        return f"{message}. {hint}" if hint and message[-1:] not in ".!?:" else f"{message} {hint}".strip()
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if kind == "oom":
        advice = f"try {MEMORY_KEYS[stage]}" if stage in MEMORY_KEYS else "end other programs that need it"
        return f"out of memory; {advice} ({text[:200]})"
    return text[:500]


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
