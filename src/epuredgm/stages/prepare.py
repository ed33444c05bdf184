"""The job before all others: decode or make the data set, once."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.stages.data_sets import reader_of


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Make the job's designs, or find them in the cache.

    Returns:
        ``designs``: the cache entry's folder.

    Raises:
        DataError: listing every fault of the data set.
        Interrupted: if the monitor asks to stop; nothing half-made is left.
    """
    cache = Workspace(Path(job.workspace), job.branch).cache
    return {"designs": reader_of(job).prepare(cache, monitor)}
