"""Stage ``aggregate``: the results of all runs on a data set to ``summary.json`` and ``results.csv``."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.errors import BadRequest
from epuredgm.core.files import read_json, write_json, write_text
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.evaluation.summary import summarise, tidy_csv


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Summarise the runs.

    Inputs: ``result/<model>/seed<N>``. Outputs: ``summary`` and ``table``.
    """
    results = [
        read_json(Path(job.workspace) / artefact.path)
        for name, artefact in sorted(job.inputs.items())
        if name.startswith("result/")
    ]
    if not results:
        raise BadRequest(
            f"no run on {job.dataset} has been evaluated", f"First: epuredgm run --dataset {job.dataset}"
        )
    summary = summarise(job.dataset, results)
    for warning in summary["warnings"]:
        monitor.note(warning)
    workspace = Workspace(Path(job.workspace), job.branch)
    path = workspace.summary(job.dataset)
    table = workspace.results(job.dataset) / "results.csv"
    write_json(path, summary)
    write_text(table, tidy_csv(results))
    return {"summary": path, "table": table}
