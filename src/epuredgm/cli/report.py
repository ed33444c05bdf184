"""``epuredgm report``: write the report of a data set, and show it in a browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from epuredgm.cli.options import (
    conf_option,
    dataset_option,
    json_option,
    models_option,
    profile_option,
    workspace_option,
)
from epuredgm.cli.run import carry_out
from epuredgm.cli.study import Request, resolve
from epuredgm.core.errors import BadRequest
from epuredgm.core.jobs import Stage
from epuredgm.orchestration.records import evaluated_runs


@click.command()
@dataset_option
@models_option
@profile_option
@click.option("--open", "show", is_flag=True, help="Show it in a browser.")
@workspace_option
@conf_option
@json_option
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def command(
    dataset: str,
    models: str | None,
    profile: str,
    show: bool,
    workspace: Path,
    conf_dir: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> int:
    """Write the report of a data set from all of its evaluated runs: one HTML file that needs nothing else.

    It is written anew each time: what it says of costs and failures may have changed without any result.
    What the run was given as overrides of the data set (dataset.conditions=...) must be given again.
    """
    study = resolve(Request(dataset, workspace, conf_dir, models, None, profile, overrides=overrides))
    if not evaluated_runs(study.workspace, dataset):
        raise BadRequest(
            f"no evaluated run of {dataset} in {study.workspace.base}",
            f"First: epuredgm run --dataset {dataset}. Runs of another profile may be apart: --profile NAME.",
        )
    forced = [Stage.REPORT]
    assessments = study.assess(study.jobs([Stage.AGGREGATE, Stage.REPORT]), forced)
    outcome = carry_out(study, assessments, forced=forced, wait=False, as_json=as_json)
    page = study.workspace.report_page(dataset)
    if outcome.exit_code == 0:
        if not as_json:
            click.echo(page)
        if show:
            webbrowser.open(page.as_uri())
    return outcome.exit_code
