"""``epuredgm aggregate``: collect all results of a data set and rank the models."""

from __future__ import annotations

from pathlib import Path

import click

from epuredgm.cli.commands import Command
from epuredgm.cli.options import (
    conf_option,
    dataset_option,
    existing_workspace_option,
    json_option,
    models_option,
    profile_option,
    wait_option,
)
from epuredgm.cli.run import carry_out
from epuredgm.cli.study import Request, resolve
from epuredgm.core.errors import BadRequest
from epuredgm.core.jobs import Stage
from epuredgm.orchestration.records import evaluated_runs


@click.command(cls=Command)
@dataset_option
@models_option
@profile_option
@existing_workspace_option
@conf_option
@wait_option
@json_option
def command(
    dataset: str,
    models: str | None,
    profile: str,
    workspace: Path,
    conf_dir: Path | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Collect all evaluated runs of a data set, write summary.json and results.csv, and show the ranking."""
    study = resolve(Request(dataset, workspace, conf_dir, models, None, profile))
    if not evaluated_runs(study.workspace, dataset):
        raise BadRequest(
            f"no evaluated run of {dataset} in {study.workspace.base}",
            f"First: epuredgm run --dataset {dataset}. Runs of another profile may be apart: --profile NAME.",
        )
    assessments = study.assess(study.jobs([Stage.AGGREGATE]))
    return carry_out(study, assessments, forced=[], wait=wait, as_json=as_json, latest=False).exit_code
