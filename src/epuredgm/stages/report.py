"""Stage ``report``: what people look at, from the results of all runs on a data set."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.files import read_json, write_text
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.reporting.markdown import ranking_table


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Write the report.

    Inputs: ``summary``, and as far as there are any ``designs`` and ``result/<model>/seed<N>``.
    Output: ``table``.
    """
    summary = read_json(Path(job.workspace) / job.inputs["summary"].path)
    folder = Workspace(Path(job.workspace), job.branch).report(job.dataset)
    table = folder / "ranking.md"
    write_text(table, ranking_table(summary))
    return {"table": table}
