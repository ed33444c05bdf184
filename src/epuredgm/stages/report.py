"""Stage ``report``: what people look at, from the results of all runs on a data set."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.files import write_text
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.reporting.markdown import ranking_table
from epuredgm.reporting.page import render
from epuredgm.stages.study import study_of


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Write the report.

    Inputs: ``summary``, and as far as there are any ``designs`` and ``result/<model>/seed<N>``.
    Outputs: ``page``, ``table``.
    """
    workspace = Workspace(Path(job.workspace), job.branch)
    study = study_of(job, monitor)
    table, page = workspace.report(job.dataset) / "ranking.md", workspace.report_page(job.dataset)
    write_text(table, ranking_table(study.summary))
    write_text(page, render(study))
    return {"page": page, "table": table}
