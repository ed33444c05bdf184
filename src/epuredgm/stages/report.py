"""Stage ``report``: what people look at, from the results of all runs on a data set."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.files import write_text
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.reporting import paper
from epuredgm.reporting.page import render
from epuredgm.stages.study import study_of


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Write the report.

    Inputs: ``summary``, and as far as there are any ``designs`` and ``result/<model>/seed<N>``.
    Outputs: ``page``, ``tables``, ``latex``.
    """
    workspace = Workspace(Path(job.workspace), job.branch)
    study = study_of(job, monitor)
    folder = workspace.report(job.dataset)
    outputs = {
        "page": workspace.report_page(job.dataset),
        "tables": folder / "tables.md",
        "latex": folder / "tables.tex",
    }
    write_text(outputs["tables"], paper.markdown(study.summary))
    write_text(outputs["latex"], paper.latex(study.summary))
    write_text(outputs["page"], render(study))
    return outputs
