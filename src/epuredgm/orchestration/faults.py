"""What an error means: a full disk, exhausted memory, a closed workspace, or a fault of ours."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from epuredgm.core.errors import BadRequest, DamagedInput, EpureError, Interrupted
from epuredgm.core.places import Workspace

FULL = (errno.ENOSPC, errno.EDQUOT)
DAMAGED_INPUT = "damaged-input"
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
    """``interrupted``, ``damaged-input``, ``disk-full``, ``oom`` or ``failed``."""
    if isinstance(error, Interrupted):
        return "interrupted"
    if isinstance(error, DamagedInput):
        return DAMAGED_INPUT
    for cause in _causes(error):
        text = str(cause).lower()
        if (isinstance(cause, OSError) and cause.errno in FULL) or "no space left on device" in text:
            return "disk-full"
        if (
            isinstance(cause, MemoryError)
            or type(cause).__name__ == "OutOfMemoryError"
            or "out of memory" in text
        ):
            return "oom"
    return "failed"


def one_line(error: BaseException, place: Path) -> str:
    """An error in one line, for records and ``errors.log``.

    Args:
        error: what was raised.
        place: a folder on the disk that was written.
    """
    kind = exit_class(error)
    if kind == "disk-full":
        return disk_full(place)
    text = " ".join(str(error).split())
    if isinstance(error, EpureError):
        message, hint = " ".join(error.message.split()), " ".join(error.hint.split())
        return f"{message}. {hint}" if hint and message[-1:] not in ".!?:" else f"{message} {hint}".strip()
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"out of memory; try a smaller batch_size ({text[:200]})" if kind == "oom" else text[:500]


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
