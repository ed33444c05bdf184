"""The state for resume: two generations of one file, each with its hash; a damaged one is never used."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from epuredgm.core.errors import BadRequest, CorruptArtefact
from epuredgm.core.files import atomic_writer
from epuredgm.core.monitor import Monitor

MAGIC = b"epuredgm state 1\n"


class Checkpoints:
    """The resume points of one run: ``state.pt`` and, before it, ``state.previous.pt``.

    Args:
        folder: where they are.
        identity: what the run depends on, as a digest; a state of another run is refused.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.current, self.previous = folder / "state.pt", folder / "state.previous.pt"
        self._identity = identity

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a resume point: tensors, numbers, strings, lists and dictionaries.

        Raises:
            OSError: if it cannot be written; the one before it is then still there.
        """
        buffer = io.BytesIO()
        torch.save({"identity": self._identity, "state": dict(state)}, buffer)
        content = buffer.getbuffer()
        if self.current.exists():
            self.current.replace(self.previous)
        with atomic_writer(self.current) as file:
            file.write(MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n")
            file.write(content)

    def load(self, monitor: Monitor) -> dict[str, Any] | None:
        """The newest resume point that is whole, on the CPU; None if there is none.

        What is damaged is removed, and the monitor hears of it.

        Raises:
            BadRequest: if the state is of another run.
        """
        for path in (self.current, self.previous):
            if not path.exists():
                continue
            try:
                content = _read(path)
            except CorruptArtefact as error:
                monitor.note(f"{error.message}: not used, falling back on what was saved before it")
                path.unlink()  # or the next save would put it in the place of the one before it
                continue
            if content["identity"] != self._identity:
                raise BadRequest(
                    f"{path} is the resume point of another configuration, seed or data set",
                    "Remove it to start anew, or train in another folder.",
                )
            state: dict[str, Any] = content["state"]
            return state
        return None

    def remove(self) -> None:
        """Forget all resume points; for a run that is finished."""
        self.current.unlink(missing_ok=True)
        self.previous.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    """The content of one state file.

    Raises:
        CorruptArtefact: if it is not what was written.
    """
    content = path.read_bytes()
    head, rest = content[: len(MAGIC)], content[len(MAGIC) :]
    sha256, _, payload = rest.partition(b"\n")
    if head != MAGIC or hashlib.sha256(payload).hexdigest().encode() != sha256:
        raise CorruptArtefact(f"{path} is damaged")
    try:
        read: dict[str, Any] = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
        read["identity"], dict(read["state"])
    except MemoryError:
        raise
    except Exception as error:  # written by a torch that this one cannot read, or by something else
        raise CorruptArtefact(f"{path} cannot be read: {error}") from error
    return read
