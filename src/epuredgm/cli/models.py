"""``epuredgm models``: what families there are and what each supports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from epuredgm.cli.commands import Command
from epuredgm.cli.options import conf_option, json_option
from epuredgm.config import TRIED, Conf, compose, find_conf
from epuredgm.core.errors import BadRequest
from epuredgm.core.jobs import SUPPORTED

FACTS = ("name", "title", "supports", "draws", "target")


@click.command(cls=Command)
@conf_option
@json_option
def command(conf_dir: Path | None, as_json: bool) -> None:
    """List the model families and what each supports.

    conf/model/ is the registry: a family is one file there, one in src/epuredgm/models/ and its settings in
    models/settings/ beside it.
    """
    conf = find_conf(conf_dir)
    families = [_facts(conf, name) for name in conf.names("model")]
    if as_json:
        click.echo(json.dumps(families, indent=2))
        return
    from rich.markup import escape
    from rich.table import Table

    from epuredgm.cli.console import wide_console

    table = Table(box=None, header_style="bold")
    table.add_column("model")
    table.add_column("family")
    for mode in SUPPORTED:
        table.add_column(str(mode), justify="center")
    for family in families:
        marks = ["yes" if str(mode) in family["supports"] else "-" for mode in SUPPORTED]
        table.add_row(escape(family["name"]), escape(family["title"]), *marks)
    wide_console().print(table)


def _facts(conf: Conf, name: str) -> dict[str, Any]:
    """What is known of a family; one whose file is at fault says so, and is none for the others."""
    first: BadRequest | None = None
    for dataset in [each for each in conf.names("dataset") if conf.usable("dataset", each)][:TRIED]:
        try:
            model = compose(conf, dataset, name, "full")["model"]
            return {key: model[key] for key in FACTS}
        except BadRequest as error:
            first = first or error
            if not conf.usable("model", name):
                break
    told = " ".join((first.message if first else "there is no data set").split())
    return {"name": name, "title": f"cannot be used: {told}", "supports": [], "draws": [], "target": None}
