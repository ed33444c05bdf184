"""What an error means: a full disk, exhausted memory, a closed workspace, or a fault of ours."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

from epuredgm.core.errors import BadRequest, DamagedInput, EpureError, Interrupted, is_out_of_memory
from epuredgm.core.jobs import Stage
from epuredgm.core.places import Workspace
from epuredgm.core.room import FULL

DAMAGED_INPUT, DISK_FULL = "damaged-input", "disk-full"
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
LOST = (errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT)


@contextmanager
def explained(workspace: Workspace) -> Iterator[None]:
    """Turn the file system's errors into the user's.

    Raises:
        EpureError: if the disk is full or fails; what was finished before is intact.
        BadRequest: if the workspace cannot be written.
    """
    try:
        yield
    except OSError as error:
        told = in_words(error, workspace.base)
        if told is None:
            raise
        raise told from error


def in_words(error: OSError, place: Path) -> EpureError | None:
    """What a user can do about a fault of the disk; None for any other.

    Args:
        error: what the system said.
        place: what was written, where the error does not say.
    """
    named = error.filename2 or error.filename
    where, reason = (os.fsdecode(named) if isinstance(named, str | bytes) else place), error.strerror
    if error.errno in FULL:
        hint = "Make room and give the same command again; all that was finished is kept."
        return EpureError(disk_full(place, error.errno), hint)
    if error.errno == errno.EROFS:
        return BadRequest(
            f"cannot write {where}: {reason}",
            "Choose a folder that you may write with --workspace DIR. If this one could be written before, "
            "its disk may be damaged: see the system's log (dmesg).",
        )
    if error.errno in CLOSED:
        return BadRequest(
            f"cannot write {where}: {reason}", "Choose a folder that you may write with --workspace DIR."
        )
    kept = "All that was finished is kept: give the same command again"
    if error.errno == errno.EIO:
        return EpureError(
            f"the disk fails at {where}: {reason}",
            f"{kept} when the disk is well; the system's log (dmesg) says what is wrong with it.",
        )
    if error.errno in LOST:
        return EpureError(
            f"the network disk has lost {where}: {reason}", f"{kept} when it is mounted and answers."
        )
    return None


def disk_full(place: Path, number: int | None = None) -> str:
    """How much is free where."""
    while not place.exists():
        place = place.parent
    if number == errno.EDQUOT:
        return f"your quota is used up in {place}"
    return f"the disk is full: {shutil.disk_usage(place).free / 1e6:.0f} MB free in {place}"


def exit_class(error: BaseException) -> str:
    """``interrupted``, ``damaged-input``, ``disk-full``, ``oom`` or ``failed``."""
    if isinstance(error, Interrupted):
        return "interrupted"
    if isinstance(error, DamagedInput):
        return DAMAGED_INPUT
    for cause in _causes(error):
        text = str(cause).lower()
        if _is_full(cause) or "no space left on device" in text:
            return DISK_FULL
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
    if kind == DISK_FULL:
        full = [cause.errno for cause in _causes(error) if _is_full(cause)]
        return disk_full(place, full[0] if full else None)
    if isinstance(error, OSError) and (told := in_words(error, place)) is not None:
        error = told
    text = " ".join(str(error).split())
    if isinstance(error, EpureError):
        message, hint = " ".join(error.message.split()), " ".join(error.hint.split())
        return f"{message}. {hint}" if hint and message[-1:] not in ".!?:" else f"{message} {hint}".strip()
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if kind == "oom":
        advice = f"try {MEMORY_KEYS[stage]}" if stage in MEMORY_KEYS else "end other programs that need it"
        return f"out of memory; {advice} ({text[:200]})"
    return text[:500]


def _is_full(cause: BaseException) -> TypeGuard[OSError]:
    return isinstance(cause, OSError) and cause.errno in FULL


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
