"""From a job to the stage that carries it out; a stage's module is imported when its first job comes."""

from __future__ import annotations

import importlib
from pathlib import Path

from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Carry out one job.

    Args:
        job: what to do; its inputs have been checked.
        monitor: told how far it is; says when to stop.

    Returns:
        Absolute paths of what was made, by output name.
    """
    outputs: dict[str, Path] = importlib.import_module(f"{__name__}.{job.stage}").run(job, monitor)
    return outputs
