"""Ways in which a training ends early: orderly stops and kills."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from training_fakes import run

from epuredgm.core.errors import Interrupted
from epuredgm.core.monitor import Monitor
from epuredgm.training.trainer import Trained


@dataclass
class Stopper(Monitor):
    """Asks to stop at the poll number ``at``."""

    at: int
    polls: int = 0

    def stopping(self) -> bool:
        self.polls += 1
        return self.polls == self.at


@dataclass
class Killer(Monitor):
    """Kills its process, as the system would, at the poll number ``at``."""

    at: int
    polls: int = 0

    def stopping(self) -> bool:
        self.polls += 1
        if self.polls == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return False


def killed_run(kind: str, folder: Path, at: int, checkpoint_seconds: float) -> None:
    """What the child process of a kill test does."""
    torch.set_num_threads(1)
    run(kind, folder, Killer(at), checkpoint_seconds=checkpoint_seconds)


def killed_write(kind: str, folder: Path, at: int) -> None:
    """As :func:`killed_run`, killed as the ``at``-th file takes its name."""
    torch.set_num_threads(1)
    renames = 0
    replace = Path.replace

    def counted(self: Path, target: Path) -> Path:
        nonlocal renames
        renames += 1
        if renames == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)

    Path.replace = counted  # type: ignore[method-assign, assignment]
    run(kind, folder, checkpoint_seconds=0)


def until_done(kind: str, folder: Path, stops: Iterable[int], **changed: Any) -> Trained:
    """Train with an orderly stop at each of ``stops``, then to the end."""
    for at in stops:
        try:
            return run(kind, folder, Stopper(at), **changed)[1]
        except Interrupted:
            continue
    return run(kind, folder, **changed)[1]
