"""``epuredgm verify``: everything that a run needs, checked before it costs an hour."""

from __future__ import annotations

import json
from pathlib import Path

import click

from epuredgm.cli.checks import Check, all_checks
from epuredgm.cli.options import (
    conf_option,
    dataset_option,
    json_option,
    models_option,
    profile_option,
    weights_option,
    workspace_option,
)
from epuredgm.cli.study import Request

MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "failed": ("FAILED", "red")}


@click.command()
@dataset_option
@models_option
@click.option("--seeds", metavar="0,1,2", help="Run seeds, as for run.")
@profile_option
@click.option("--num-samples", type=click.IntRange(min=1), help="Designs per mode, as for run.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="As for run.")
@weights_option
@workspace_option
@conf_option
@json_option
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE | MODEL:KEY=VALUE]...")
def command(
    dataset: str,
    models: str | None,
    seeds: str | None,
    profile: str,
    num_samples: int | None,
    device: str,
    inception_weights: Path | None,
    workspace: Path,
    conf_dir: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> int:
    """Check everything that a run needs, before it costs an hour.

    One line a check, with a way to mend what fails: configurations, data, device and memory, disk,
    dependencies, write access, pointers, and one forward, backward and sample of each model on two images.
    The exit code is 1 if a check fails; warnings do not count.
    """
    request = Request(
        dataset,
        workspace,
        conf_dir,
        models,
        seeds,
        profile,
        device,
        num_samples,
        overrides,
        inception_weights,
    )
    checks: list[Check] = []
    for check in all_checks(request, silent=as_json):
        checks.append(check)
        if not as_json:
            _show(check)
    failed = [check for check in checks if check.status == "failed"]
    if as_json:
        click.echo(json.dumps({"ok": not failed, "checks": [check.to_dict() for check in checks]}, indent=2))
    else:
        click.echo(
            f"{len(checks)} checks, {len(failed)} failed" if failed else f"{len(checks)} checks, ready to run"
        )
    return 1 if failed else 0


def _show(check: Check) -> None:
    mark, color = MARKS[check.status]
    click.echo(f"{click.style(f'{mark:<8}', fg=color)} {check.name:<24} {check.message}")
    if check.mend and check.status != "ok":
        click.echo(f"{'':<33} -> {check.mend}")
