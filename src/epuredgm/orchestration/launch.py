"""What a worker is given: the job file with its inputs, and for a training the folder to work in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from epuredgm.core.jobs import Artefact, Job, JobFile, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration.logbook import new_folder


def modules_for(jobs: Sequence[Job], worker: str) -> list[str]:
    """What the workers' server imports before the first job: the stages and models of these jobs."""
    stages = [f"epuredgm.stages.{stage}" for stage in Stage if any(job.stage is stage for job in jobs)]
    computing = [job for job in jobs if job.stage in (Stage.TRAIN, Stage.SAMPLE)]
    models = dict.fromkeys(job.config["model"]["target"].rpartition(".")[0] for job in computing)
    return [worker, *stages, *models]


def new_run(job: Job, workspace: Workspace) -> str:
    """A new folder for a training, relative to the workspace; empty for jobs of other stages."""
    if job.stage is not Stage.TRAIN or job.run is None:
        return ""
    return workspace.relative(new_folder(workspace.runs(job.run)))


def remove_unused(jobs: Iterable[Job], workspace: Workspace) -> None:
    """Remove the run folders that an orchestrator named and died before anything was put there.

    Only an empty folder goes, and a worker that still means to use it makes it again.
    """
    for run in {job.run for job in jobs if job.run}:
        for folder in workspace.runs(run).glob("[0-9]*"):
            with suppress(OSError):  # not empty
                folder.rmdir()


def job_file(
    job: Job,
    workspace: Workspace,
    inputs: Mapping[str, Artefact],
    folder: Path,
    device: str,
    threads: int,
    run: str,
) -> JobFile:
    """All that a worker needs.

    Args:
        job: what is to be done.
        workspace: where.
        inputs: what it is made of, with hashes.
        folder: the invocation's, for the log.
        device, threads: what it may use.
        run: the run's folder, for a training.
    """
    return JobFile(
        key=job.key,
        stage=job.stage,
        dataset=job.dataset,
        model=job.model,
        seed=job.seed,
        mode=job.mode,
        config=job.config,
        fingerprint=job.fingerprint,
        hashed=job.hashed,
        workspace=str(workspace.root),
        branch=workspace.branch,
        inputs=inputs,
        log=str(folder / job.log),
        device=device,
        threads=threads,
        run=run,
    )
