"""Stage ``report``: what people look at, from the results of all runs on a data set."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.files import write_bytes, write_text
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.reporting import paper
from epuredgm.reporting.grey.document import evaluation_report
from epuredgm.reporting.page import render
from epuredgm.reporting.pdf import document
from epuredgm.stages.run_events import write_run_events
from epuredgm.stages.study import study_of


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Write the report.

    Inputs: ``summary``, and as far as there are any ``designs`` and ``result/<model>/seed<N>``.
    Outputs: ``page``, ``pdf``, ``tables``, ``latex``; of grey data also ``evaluation_report/<model>/seed<N>``
    of every run. Runs get an event file for TensorBoard beside: it is no
    output, because it goes with its run's folder.
    """
    workspace = Workspace(Path(job.workspace), job.branch)
    study = study_of(job, monitor)
    folder = workspace.report(job.dataset)
    outputs = {
        "page": workspace.report_page(job.dataset),
        "pdf": folder / "report.pdf",
        "tables": folder / "tables.md",
        "latex": folder / "tables.tex",
    }
    page = render(study)
    monitor.progress(0, 1, "drawing pages")
    pages = document(study)  # all is drawn before anything is written: the files are of one study
    alone = {}
    for number, family in enumerate(study.alone):
        monitor.progress(number, len(study.alone), "drawing runs")
        seed = family.runs[0].seed
        outputs[f"evaluation_report/{family.model}/seed{seed}"] = path = workspace.evaluation_report(
            job.dataset, family.model, seed
        )
        alone[path] = evaluation_report(study, family)
    write_text(outputs["tables"], paper.markdown(study.summary))
    write_text(outputs["latex"], paper.latex(study.summary))
    write_text(outputs["page"], page)
    write_bytes(outputs["pdf"], pages)
    for path, content in alone.items():
        write_bytes(path, content)
    write_run_events(study, workspace)
    return outputs
