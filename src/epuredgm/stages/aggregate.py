"""Stage ``aggregate``: the results of all runs on a data set to ``summary.json`` and tidy tables."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.errors import BadRequest
from epuredgm.core.files import atomic_writer, read_json, write_json, write_text
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.data.entries import read_arrays
from epuredgm.evaluation.differences import Resamples
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.runs import Result
from epuredgm.evaluation.summary import summarise
from epuredgm.evaluation.tables import as_csv, as_parquet, tidy


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Summarise the runs.

    Inputs: ``result/<model>/seed<N>``, and as far as there are any ``resamples/<model>/seed<N>``.
    Outputs: ``summary``, ``table`` (CSV) and ``parquet`` (the same rows).
    """
    results = _results(job)
    if not results:
        raise BadRequest(
            f"no run on {job.dataset} has been evaluated", f"First: epuredgm run --dataset {job.dataset}"
        )
    summary = summarise(job.dataset, list(results.values()), _resamples(job, results))
    for warning in summary["warnings"]:
        monitor.note(warning)
    workspace = Workspace(Path(job.workspace), job.branch)
    path, table, parquet = (
        workspace.results(job.dataset) / name for name in ("summary.json", "results.csv", "results.parquet")
    )
    rows = tidy(list(results.values()), all_metrics())
    write_json(path, summary)
    write_text(table, as_csv(rows))
    with atomic_writer(parquet) as file:
        file.write(as_parquet(rows))
    return {"summary": path, "table": table, "parquet": parquet}


def _results(job: JobFile) -> dict[str, Result]:
    """The runs' results by ``<model>/seed<N>``."""
    return {
        name.removeprefix("result/"): read_json(Path(job.workspace) / artefact.path)
        for name, artefact in sorted(job.inputs.items())
        if name.startswith("result/")
    }


def _resamples(job: JobFile, results: dict[str, Result]) -> Resamples:
    """The replicates beside the results, of the runs that have any."""
    places = {run: job.inputs.get(f"resamples/{run}") for run in results}
    return {
        (results[run]["model"], results[run]["seed"]): read_arrays(Path(job.workspace) / artefact.path)
        for run, artefact in places.items()
        if artefact is not None
    }
