"""``epuredgm export``: samples of evaluated runs as files that may leave the workspace."""

from __future__ import annotations

import json
from pathlib import Path

import click

from epuredgm.cli.commands import Command, PathWord
from epuredgm.cli.console import answer
from epuredgm.cli.errand import errand
from epuredgm.cli.options import (
    chosen_seeds,
    conf_option,
    dataset_option,
    existing_workspace_option,
    json_option,
    models_option,
    profile_option,
    require_place,
    seeds_option,
)
from epuredgm.cli.study import Request, Study, require_as_made, resolve
from epuredgm.core.errors import BadRequest
from epuredgm.core.jobs import GENERATED, Mode
from epuredgm.orchestration.records import evaluated_runs

TOOL = "epuredgm.stages.release_tool"
FORMATS = ("png", "dicom")


@click.command(cls=Command)
@dataset_option
@models_option
@seeds_option("all evaluated ones")
@click.option(
    "--mode",
    type=click.Choice([str(mode) for mode in GENERATED]),
    default=str(Mode.CONDITIONAL),
    show_default=True,
    help="Which samples.",
)
@click.option(
    "--to",
    "target",
    required=True,
    type=PathWord(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="New folder to write; it appears whole, and nothing is ever overwritten.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="dicom: mammograms for presentation, derived, of synthetic patients.",
)
@profile_option
@existing_workspace_option
@conf_option
@json_option
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def command(
    dataset: str,
    models: str | None,
    seeds: str | None,
    mode: str,
    target: Path,
    form: str,
    profile: str,
    workspace: Path,
    conf_dir: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Export samples of evaluated runs, every picture stamped SYNTHETIC, with a manifest.

    Grey pictures leave only if the run's evaluation passed the privacy gate in the mode asked for, and is of
    exactly these samples and of the data as prepared last. If one run is refused, nothing is written; the
    message names every refused run, the reason and what to do. docs/release.md says more.

    \b
    Examples:
      epuredgm export --dataset nlbs_phantom --models cvae --to synthetic
      epuredgm export --dataset nlbs_phantom --format dicom --to synthetic_dicom
    """
    where = target.parent.resolve() / target.name if target.name else target.resolve()
    require_place(where, "--to")
    if where.is_symlink() or where.exists():
        raise BadRequest(f"--to {target} exists", "An export never overwrites: name a new folder.")
    study = resolve(Request(dataset, workspace, conf_dir, models, None, profile, overrides=overrides))
    runs = _runs(study, models, seeds)
    require_as_made(study, "export")
    request = {
        "task": "export",
        "workspace": str(study.workspace.root),
        "branch": study.workspace.branch,
        "config": next(iter(study.configs.values())),  # of which the data set's part is the same for all
        "runs": runs,
        "mode": mode,
        "format": form,
        "to": str(where),
    }
    result = errand(TOOL, request, silent=as_json)
    if as_json:
        answer(json.dumps(result, indent=2))
        return
    left = f", {result['left_out']} left out (manifest.json says why)" if result["left_out"] else ""
    answer(f"{result['pictures']} synthetic samples of {len(runs)} runs in {result['folder']}{left}")


def _runs(study: Study, models: str | None, seeds: str | None) -> list[tuple[str, int]]:
    """The runs asked for: of those named, all; else those that are evaluated.

    Raises:
        BadRequest: if there is none.
    """
    evaluated = evaluated_runs(study.workspace, study.dataset)
    wanted = chosen_seeds(seeds, []) if seeds is not None else None
    names = tuple(study.configs) if models is not None else None
    if names is not None and wanted is not None:
        return [(model, seed) for model in names for seed in wanted]
    runs = [
        (model, seed)
        for model, seed in evaluated
        if (names is None or model in names) and (wanted is None or seed in wanted)
    ]
    if not runs:
        raise BadRequest(
            f"no evaluated run of {study.dataset} in {study.workspace.base} is among those asked for",
            f"First: epuredgm run --dataset {study.dataset}. Runs of another profile may be apart: "
            "--profile NAME.",
        )
    return runs
