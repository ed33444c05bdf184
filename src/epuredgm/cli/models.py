"""``epuredgm models``: what families there are and what each supports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from epuredgm.cli.options import conf_option, json_option
from epuredgm.config import compose, find_conf
from epuredgm.core.jobs import SUPPORTED


@click.command()
@conf_option
@json_option
def command(conf_dir: Path | None, as_json: bool) -> None:
    """List the model families and what each supports.

    conf/model/ is the registry: a family is one file there, one in src/epuredgm/models/ and its settings in
    models/settings/ beside it.
    """
    conf = find_conf(conf_dir)
    dataset = conf.names("dataset")[0]
    families = [_facts(compose(conf, dataset, name, "full")["model"]) for name in conf.names("model")]
    if as_json:
        click.echo(json.dumps(families, indent=2))
        return
    from rich.table import Table

    from epuredgm.cli.console import wide_console

    table = Table(box=None, header_style="bold")
    table.add_column("model")
    table.add_column("family")
    for mode in SUPPORTED:
        table.add_column(str(mode), justify="center")
    for family in families:
        marks = ["yes" if str(mode) in family["supports"] else "-" for mode in SUPPORTED]
        table.add_row(family["name"], family["title"], *marks)
    wide_console().print(table)


def _facts(model: dict[str, Any]) -> dict[str, Any]:
    return {key: model[key] for key in ("name", "title", "supports", "draws", "target")}
