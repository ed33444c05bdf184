"""``epuredgm config``: the configuration that would be used, and where each value comes from."""

from __future__ import annotations

import json
from pathlib import Path

import click

from epuredgm.cli.commands import Command
from epuredgm.cli.device import resolve_profile
from epuredgm.cli.options import (
    conf_option,
    dataset_option,
    json_option,
    models_option,
    profile_option,
)
from epuredgm.cli.study import families
from epuredgm.config import Overrides, compose, find_conf, sources
from epuredgm.core.files import flatten


@click.command(cls=Command)
@dataset_option
@models_option
@profile_option
@conf_option
@json_option
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE | MODEL:KEY=VALUE]...")
def command(
    dataset: str,
    models: str | None,
    profile: str,
    conf_dir: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Print the configuration that would be used, and where each value comes from.

    \b
    Example:
      epuredgm config --dataset toy --models vae training.batch_size=32
    """
    conf = find_conf(conf_dir)
    words = Overrides.parse(overrides, conf.names("model"))
    name, _ = resolve_profile(conf, profile, "auto")
    chosen = families(conf, models, dataset, name, words)
    configs = {model: compose(conf, dataset, model, name, words.for_model(model)) for model in chosen}
    if as_json:
        click.echo(json.dumps(configs, indent=2))
        return
    for model, config in configs.items():
        origin = sources(conf, config, words.for_model(model))
        click.secho(f"# {model} on {dataset}, profile {name}", bold=True)
        flat = flatten(config)
        width = max(len(f"{key}: {json.dumps(value)}") for key, value in flat.items() if len(str(value)) < 40)
        for key, value in flat.items():
            click.echo(f"{f'{key}: {json.dumps(value)}':<{width}}  # {origin[key]}")
        click.echo()
