"""``epuredgm report``: write the report of a data set, and show it in a browser."""

from __future__ import annotations

import webbrowser
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
from epuredgm.cli.study import Request, require_as_made, resolve
from epuredgm.core.errors import BadRequest
from epuredgm.core.jobs import Stage
from epuredgm.orchestration.records import evaluated_runs


@click.command(cls=Command)
@dataset_option
@models_option
@profile_option
@click.option("--open", "show", is_flag=True, help="Show it in a browser.")
@existing_workspace_option
@conf_option
@wait_option
@json_option
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def command(
    dataset: str,
    models: str | None,
    profile: str,
    show: bool,
    workspace: Path,
    conf_dir: Path | None,
    wait: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> int:
    """Write the report of a data set from all of its evaluated runs.

    It goes to evaluation_results/<dataset>/report/: report.html, one file that needs nothing else,
    report.pdf, and for papers tables.md and tables.tex. It is written anew each time: what it says of costs
    and failures may have changed without any result. What the run was given as overrides of the data set
    (dataset.conditions=...) must be given again.

    \b
    Examples:
      epuredgm report --dataset toy --open
      epuredgm report --dataset toy --profile test
    """
    study = resolve(Request(dataset, workspace, conf_dir, models, None, profile, overrides=overrides))
    if not evaluated_runs(study.workspace, dataset):
        raise BadRequest(
            f"no evaluated run of {dataset} in {study.workspace.base}",
            f"First: epuredgm run --dataset {dataset}. Runs of another profile may be apart: --profile NAME.",
        )
    require_as_made(study, "report")
    forced = [Stage.REPORT]
    assessments = study.assess(study.jobs([Stage.AGGREGATE, Stage.REPORT]), forced)
    outcome = carry_out(study, assessments, forced=forced, wait=wait, as_json=as_json, latest=False)
    page = study.workspace.report_page(dataset)
    if outcome.exit_code == 0:
        if not as_json:
            click.echo(page)
        if show:
            open_page(page)
    return outcome.exit_code


def open_page(page: Path) -> None:
    """Show a page in a browser, or say that there is none here."""
    if not webbrowser.open(page.as_uri()):
        click.echo(
            f"note: no browser could be started here; copy {page.name} to where there is one", err=True
        )
