"""``epuredgm data``: what data sets there are, and how they are made, looked at and written out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

from epuredgm.cli.commands import Group, PathWord
from epuredgm.cli.data_words import account, description
from epuredgm.cli.device import resolve_profile
from epuredgm.cli.errand import errand
from epuredgm.cli.options import (
    conf_option,
    dataset_or_word_option,
    json_option,
    named_dataset,
    profile_option,
    require_place,
    workspace_option,
)
from epuredgm.cli.weights import PATIENT, fetch
from epuredgm.config import Conf, compose_dataset, find_conf
from epuredgm.core.declared import reader_problems
from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import refuse
from epuredgm.core.places import Workspace
from epuredgm.core.sources import signature

TOOL = "epuredgm.stages.data_tool"
OVERRIDES = click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")


def _common(function: Callable[..., None]) -> Callable[..., None]:
    """The options that all commands on one data set take; the function gets its composed section."""

    @dataset_or_word_option
    @profile_option
    @workspace_option
    @conf_option
    @json_option
    @click.argument("words", nargs=-1, metavar="[NAME] [KEY=VALUE]...")
    @wraps(function)
    def run(
        dataset: str | None, profile: str, conf_dir: Path | None, words: tuple[str, ...], **others: Any
    ) -> None:
        name, overrides = named_dataset(dataset, words, conf_dir)
        function(dataset=name, section=_section(find_conf(conf_dir), name, profile, overrides), **others)

    return run


@click.group(cls=Group)
def command() -> None:
    """List, make, verify, inspect and export data sets; fetch the weights behind FID.

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
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for title in ("data set", "size", "components", "state", "description"):
        table.add_column(title)
    for row in rows:
        table.add_row(
            *map(escape, (row["name"], row["size"], ", ".join(row["components"]))),
            *map(escape, (row["state"], row["description"])),
        )
    Console().print(table)


@command.command(epilog="Drawing the small phantom and reading it takes about half a minute.")
@click.option("--size", help="Of a phantom: tiny (24 patients) or small (200).")
@click.option(
    "--layout", help="Of a phantom: new, old, one_column or shuffled, the generations of the real tables."
)
@click.option(
    "--admit-identified",
    "admitted",
    metavar="REASON",
    help="Let in files that are not de-identified. The reason goes to data/audit.jsonl with your name and "
    "what was found; the decision holds for these very files.",
)
@_common
def make(
    dataset: str,
    workspace: Path,
    section: dict[str, Any],
    as_json: bool,
    size: str | None,
    layout: str | None,
    admitted: str | None,
) -> None:
    """Make or decode a data set now, and check every file of it.

    A stopped command goes on where it was. Mammograms are refused if one file is not de-identified.

    \b
    Examples:
      epuredgm data make nlbs_phantom --size tiny
      epuredgm data make nlbs --profile full dataset.root=/data/NLBS
    """
    asked = {"size": size, "layout": layout, "admit_identified": admitted}
    result = errand(TOOL, _request("make", section, workspace, asked), silent=as_json)
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    click.echo(f"{dataset}: {result['train']} train and {result['test']} test designs, in {result['entry']}")
    words = [f"dataset.reader.{key}={asked[key]}" for key in ("size", "layout") if asked[key]]
    if words:
        click.echo(f"to use it: epuredgm run --dataset {dataset} {' '.join(words)}")


@command.command()
@_common
def verify(dataset: str, workspace: Path, section: dict[str, Any], as_json: bool) -> None:
    """Check a decoded data set against its hashes, and count what is in it.

    Shown are designs by split; of mammograms also patients by stratum, pictures by class, how many files were
    put aside for each reason, and sizes. What is not decoded yet is decoded.

    \b
    Example:
      epuredgm data verify nlbs_phantom
    """
    result = errand(TOOL, _request("verify", section, workspace), silent=as_json)
    click.echo(json.dumps(result, indent=2) if as_json else account(result))


@command.command()
@click.option(
    "--picture",
    type=PathWord(dir_okay=False, path_type=Path, resolve_path=True),
    help="Write a contact sheet of the first designs to this PNG; not for private data.",
)
@_common
def inspect(
    dataset: str, workspace: Path, section: dict[str, Any], as_json: bool, picture: Path | None
) -> None:
    """Describe a data set: counts, areas, conditions, duplicates, overlap, connectivity.

    The area of a grey picture is what is brighter than 0; of mammograms, the breast. Those also show what
    'data verify' does.
    """
    if picture:
        require_place(picture, "--picture")
    request = _request("inspect", section, workspace) | {"picture": str(picture) if picture else None}
    about = errand(TOOL, request, silent=as_json)
    click.echo(json.dumps(about, indent=2) if as_json else description(about))
    if picture and not as_json:
        click.echo(f"contact sheet: {picture}")


@command.command()
@click.option(
    "--to",
    "target",
    type=PathWord(file_okay=False, path_type=Path, resolve_path=True),
    help="Folder to write, new or empty; default: data/<name> in the workspace.",
)
@click.option(
    "--subset", type=click.IntRange(min=2), metavar="K", help="Also write performances_K.csv, K seeded rows."
)
@click.option("--only-subset", is_flag=True, help="Write the subset alone, with its own performances.csv.")
@_common
def export(
    dataset: str,
    workspace: Path,
    section: dict[str, Any],
    as_json: bool,
    target: Path | None,
    subset: int | None,
    only_subset: bool,
) -> None:
    """Write a data set as PNG folders and a CSV table; refused where the data set is private."""
    if only_subset and subset is None:
        raise BadRequest("--only-subset needs --subset K", "For example: --subset 1000 --only-subset")
    folder = target or Workspace(workspace).data(f"{dataset}_{subset}" if only_subset else dataset)
    if target:
        require_place(target, "--to")
    if folder.is_dir() and any(folder.iterdir()):
        raise BadRequest(f"{folder} is not empty", "Choose another folder with --to, or empty it.")
    request = _request("export", section, workspace)
    request |= {"to": str(folder), "subset": subset, "only_subset": only_subset}
    result = errand(TOOL, request, silent=as_json)
    click.echo(
        json.dumps(result, indent=2) if as_json else f"{result['designs']} designs in {result['folder']}"
    )


@command.command("fetch-weights")
@click.option(
    "--from",
    "source",
    type=PathWord(exists=True, dir_okay=False, path_type=Path, resolve_path=True),
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
    config = _any_composed(find_conf(conf_dir), overrides)
    sha256 = config["reference"]["inception"]["sha256"]
    result = fetch(workspace, sha256, source, timeout=PATIENT, silent=as_json)
    state = "are in" if result["fetched"] else "were there already:"
    click.echo(json.dumps(result, indent=2) if as_json else f"Inception weights {state} {result['path']}")


def _request(
    task: str, section: dict[str, Any], workspace: Path, asked: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """What the child is asked; a data set whose files are missing is refused before it starts.

    Args:
        task: of the child.
        section: the composed ``dataset`` section.
        workspace: the root.
        asked: values of ``dataset.reader`` that options give; None leaves what the section says.

    Raises:
        BadRequest: if the data set's reader has no such setting.
    """
    given = {key: value for key, value in (asked or {}).items() if value is not None}
    for key in given:
        if key not in section["reader"]:
            raise BadRequest(
                f"data set {section['name']} has no {key.replace('_', '-')}: its reader does not take it",
                "'epuredgm config --dataset NAME' shows what it takes.",
            )
    section = {**section, "reader": {**section["reader"], **given}}
    refuse(reader_problems(section["reader"]))
    signature(section, Workspace(workspace).data(section["name"]))
    return {"task": task, "workspace": str(workspace), "dataset": section}


def _section(
    conf: Conf, dataset: str, profile: str = "auto", overrides: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The composed ``dataset`` section; it is the same for every model."""
    name, _ = resolve_profile(conf, profile, "auto")
    section: dict[str, Any] = compose_dataset(conf, dataset, name, overrides)["dataset"]
    return section


def _any_composed(conf: Conf, overrides: tuple[str, ...]) -> dict[str, Any]:
    """A whole configuration, of which only what no data set and no model changes is looked at."""
    name, _ = resolve_profile(conf, "auto", "auto")
    first: BadRequest | None = None
    for dataset in conf.names("dataset"):
        try:
            return compose_dataset(conf, dataset, name, overrides)
        except BadRequest as error:
            first = first or error
    raise first or BadRequest(f"there is no data set in {conf.root / 'dataset'}", "See --conf.")


def _listed(conf: Conf, name: str, workspace: Workspace) -> dict[str, Any]:
    """What is known of a data set; one whose file is at fault says so, and is none for the others."""
    try:
        section = _section(conf, name)
        state = _state(section, workspace)
    except BadRequest as error:
        told = " ".join(error.message.split())
        return {"name": name, "size": "", "components": [], "state": "cannot be used", "description": told}
    return {
        "name": name,
        "size": " x ".join(map(str, section["size"])),
        "components": list(section["components"]),
        "state": state,
        "description": section["description"],
    }


def _state(section: Mapping[str, Any], workspace: Workspace) -> str:
    """Whether the files are there; one or two words."""
    decoded = any(workspace.cache.glob(f"{section['name']}-*/entry.json"))
    try:
        found = signature(section, workspace.data(section["name"]))
    except BadRequest:
        return "files missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not found:
        return "made" if decoded else "made on first use"
    return f"{found['files']} files" + (", decoded" if decoded else "")
