"""``epuredgm data``: what data sets there are, and how they are made, looked at and written out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from epuredgm.cli.errand import errand
from epuredgm.cli.options import conf_option, dataset_option, json_option, workspace_option
from epuredgm.cli.weights import PATIENT, fetch
from epuredgm.config import Conf, compose, find_conf
from epuredgm.core.errors import BadRequest
from epuredgm.core.places import Workspace
from epuredgm.core.sources import signature

TOOL = "epuredgm.stages.data_tool"
OVERRIDES = click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")


@click.group()
def command() -> None:
    """List, make, inspect and export data sets; fetch the weights behind FID.

    A data set is one file in conf/dataset/; docs/data.md shows how to add one.
    """


@command.command("list")
@workspace_option
@conf_option
@json_option
def list_data(workspace: Path, conf_dir: Path | None, as_json: bool) -> None:
    """List the data sets and whether their files are there."""
    conf = find_conf(conf_dir)
    rows = [_listed(conf, name, Workspace(workspace)) for name in conf.names("dataset")]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for title in ("data set", "size", "components", "state", "description"):
        table.add_column(title)
    for row in rows:
        table.add_row(
            row["name"], row["size"], ", ".join(row["components"]), row["state"], row["description"]
        )
    Console().print(table)


@command.command()
@dataset_option
@workspace_option
@conf_option
@json_option
@OVERRIDES
def make(
    dataset: str, workspace: Path, conf_dir: Path | None, as_json: bool, overrides: tuple[str, ...]
) -> None:
    """Make or decode a data set now, and check every file of it."""
    result = errand(TOOL, _request("make", conf_dir, dataset, workspace, overrides), silent=as_json)
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    click.echo(f"{dataset}: {result['train']} train and {result['test']} test designs, in {result['entry']}")


@command.command()
@dataset_option
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path, resolve_path=True),
    help="Write a contact sheet of the first designs to this PNG.",
)
@workspace_option
@conf_option
@json_option
@OVERRIDES
def inspect(
    dataset: str,
    picture: Path | None,
    workspace: Path,
    conf_dir: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Describe a data set: counts, areas, conditions, duplicates, overlap, connectivity."""
    request = _request("inspect", conf_dir, dataset, workspace, overrides)
    about = errand(TOOL, {**request, "picture": str(picture) if picture else None}, silent=as_json)
    click.echo(json.dumps(about, indent=2) if as_json else _account(about))
    if picture and not as_json:
        click.echo(f"contact sheet: {picture}")


@command.command()
@dataset_option
@click.option(
    "--to",
    "target",
    type=click.Path(file_okay=False, path_type=Path, resolve_path=True),
    help="Folder to write, new or empty; default: data/<name> in the workspace.",
)
@click.option(
    "--subset", type=click.IntRange(min=2), metavar="K", help="Also write performances_K.csv, K seeded rows."
)
@click.option("--only-subset", is_flag=True, help="Write the subset alone, with its own performances.csv.")
@workspace_option
@conf_option
@json_option
@OVERRIDES
def export(
    dataset: str,
    target: Path | None,
    subset: int | None,
    only_subset: bool,
    workspace: Path,
    conf_dir: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write a data set as PNG folders and a CSV table."""
    if only_subset and subset is None:
        raise BadRequest("--only-subset needs --subset K", "For example: --subset 1000 --only-subset")
    request = _request("export", conf_dir, dataset, workspace, overrides)
    folder = target or Workspace(workspace).data(f"{dataset}_{subset}" if only_subset else dataset)
    request |= {"to": str(folder), "subset": subset, "only_subset": only_subset}
    result = errand(TOOL, request, silent=as_json)
    click.echo(
        json.dumps(result, indent=2) if as_json else f"{result['designs']} designs in {result['folder']}"
    )


@command.command("fetch-weights")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True),
    metavar="FILE",
    help="Take them from this file instead of the network.",
)
@workspace_option
@conf_option
@json_option
@OVERRIDES
def fetch_weights(
    source: Path | None, workspace: Path, conf_dir: Path | None, as_json: bool, overrides: tuple[str, ...]
) -> None:
    """Get the Inception weights behind FID and KID, once for a workspace.

    They are pytorch-fid's (95 MB). Without a network, give this command where there is one and bring the
    file (data/.cache/weights/ of its workspace, or what `python -m pytorch_fid` keeps in torch's cache) with
    --from. Their hash is checked before they are kept.
    """
    conf = find_conf(conf_dir)
    config = _composed(conf, conf.names("dataset")[0], overrides)
    sha256 = config["reference"]["inception"]["sha256"]
    result = fetch(workspace, sha256, source, timeout=PATIENT, silent=as_json)
    state = "are in" if result["fetched"] else "were there already:"
    click.echo(json.dumps(result, indent=2) if as_json else f"Inception weights {state} {result['path']}")


def _request(
    task: str, conf_dir: Path | None, dataset: str, workspace: Path, overrides: tuple[str, ...]
) -> dict[str, Any]:
    """What the child is asked; a data set whose files are missing is refused before it starts."""
    section = _section(find_conf(conf_dir), dataset, overrides)
    signature(section, Workspace(workspace).data(dataset))
    return {"task": task, "workspace": str(workspace), "dataset": section}


def _section(conf: Conf, dataset: str, overrides: tuple[str, ...] = ()) -> dict[str, Any]:
    """The composed ``dataset`` section; it is the same for every model and profile."""
    conf.check("dataset", dataset)
    section: dict[str, Any] = _composed(conf, dataset, overrides)["dataset"]
    return section


def _composed(conf: Conf, dataset: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    """A whole configuration, of which only what no model and no profile changes is looked at."""
    return compose(conf, dataset, conf.names("model")[0], conf.names("profile")[0], overrides)


def _listed(conf: Conf, name: str, workspace: Workspace) -> dict[str, Any]:
    section = _section(conf, name)
    return {
        "name": name,
        "size": " x ".join(map(str, section["size"])),
        "components": list(section["components"]),
        "state": _state(section, workspace),
        "description": section["description"],
    }


def _state(section: Mapping[str, Any], workspace: Workspace) -> str:
    """Whether the files are there; one or two words."""
    decoded = any(workspace.cache.glob(f"{section['name']}-*/entry.json"))
    try:
        found = signature(section, workspace.data(section["name"]))
    except BadRequest:
        return "files missing"
    if not found:
        return "made" if decoded else "made on first use"
    return f"{found['files']} files" + (", decoded" if decoded else "")


def _account(about: Mapping[str, Any]) -> str:
    """The description as text."""
    splits, repeated = about["splits"], about["duplicates"]
    lines = [
        f"{about['name']}: {about['size'][0]} x {about['size'][1]} pixels, {splits['train']} train and "
        f"{splits['test']} test designs",
        f"fingerprint {about['fingerprint']}",
        "",
        f"{'area in pixels':<20}{'mean':>10}{'std':>10}{'min':>8}{'max':>8}{'empty':>8}{'one piece':>12}",
    ]
    for name, area in about["areas"].items():
        whole = f"{about['connected'][name]:.2%}"
        numbers = f"{area['mean']:>10.2f}{area['std']:>10.2f}{area['min']:>8.0f}{area['max']:>8.0f}"
        lines.append(f"{name:<20}{numbers}{about['empty'][name]:>8}{whole:>12}")
    lines += ["", f"{'condition':<20}{'split':<8}{'mean':>12}{'std':>12}{'min':>12}{'max':>12}"]
    for name, both in about["conditions"].items():
        for split, value in both.items():
            numbers = "".join(f"{value[key]:>12.4f}" for key in ("mean", "std", "min", "max"))
            lines.append(f"{name:<20}{split:<8}{numbers}")
    lines += ["", f"designs with overlapping components: {about['overlap']:.2%}"]
    lines += [f"duplicates {kind}: {count}" for kind, count in repeated.items()]
    return "\n".join(lines)
