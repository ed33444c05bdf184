"""Errors that a user can act on: each says what is wrong, where, and how to mend it."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any


class EpureError(Exception):
    """Something the user can mend; shown without a traceback.

    Args:
        message: what is wrong, and where.
        hint: how to mend it, in one sentence; empty when the message already says it.

    Attributes:
        details: the same as JSON-ready facts, for answers with ``--json``; empty where the text says all.
    """

    exit_code = 1
    details: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class BadRequest(EpureError):
    """What was asked for cannot be done as asked: a typo, an unknown name, a read-only workspace."""

    exit_code = 2


class DataError(EpureError):
    """The data set on disk is at fault; lists every fault found, not only the first.

    Args:
        message: the data set and how many faults it has.
        faults: one line per fault, each naming its file and row.
        hint: how to mend it.
    """

    def __init__(self, message: str, faults: Sequence[str] = (), hint: str = "", shown: int = 20) -> None:
        more = [f"... and {len(faults) - shown} more"] if len(faults) > shown else []
        lines = [message, *(f"  - {fault}" for fault in [*faults[:shown], *more])]
        super().__init__("\n".join(lines), hint)
        self.faults = tuple(faults)


class UnsupportedMode(EpureError):
    """A model was asked for a mode that it does not serve."""


class TrainingDiverged(EpureError):
    """The loss or a weight is no longer a finite number."""


class CorruptArtefact(EpureError):
    """A file is not what was written: its hash, its shape or its content disagrees with the record."""


class DamagedInput(CorruptArtefact):
    """What a job was given is not what another job made: that one is to be done again first."""


class Interrupted(EpureError):
    """The work stopped because it was asked to; what was done so far is kept."""

    exit_code = 130


OUT_OF_MEMORY = (
    "out of memory",  # CUDA's allocator, the driver, Triton
    "can't allocate memory",  # torch on a CPU
    "cannot allocate memory",  # the C library
    "not enough memory",
    "unable to allocate",  # numpy
    "alloc_failed",  # cuBLAS, cuDNN, cuFFT, cuSOLVER
    "allocation_failed",
    "alloc failed",
)
"""What allocators and libraries say, in small letters; many raise no class of their own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on any device, so that fewer designs at once may help; causes do not count."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in OUT_OF_MEMORY)
