"""``epuredgm compare``: two or more studies or runs side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from epuredgm.cli.commands import Command
from epuredgm.cli.console import answer
from epuredgm.cli.errand import errand
from epuredgm.cli.options import branch_option, existing_branch, existing_workspace_option, json_option
from epuredgm.cli.sides import Side, sides
from epuredgm.orchestration.fingerprint import changes

Facts = Mapping[str, Mapping[str, Any] | None]

TOOL = "epuredgm.stages.compare_tool"


@click.command(cls=Command)
@click.argument("runs", nargs=-1, metavar="RUN RUN...")
@click.option("--dataset", metavar="NAME", help="Data set, where a RUN has several or is a MODEL.")
@click.option(
    "--all", "everything", is_flag=True, help="Show every headline figure, not only those that rank."
)
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
@existing_workspace_option
@branch_option
@json_option
def command(
    runs: tuple[str, ...],
    dataset: str | None,
    everything: bool,
    markdown: bool,
    workspace: Path,
    branch: str,
    as_json: bool,
) -> None:
    """Hold studies or runs against each other: figures, differences, and what was set otherwise.

    A RUN is a workspace, a folder evaluation_results/<dataset>, a summary.json, a run_seed<N>.json, or MODEL
    or MODEL:SEED of the current workspace. All others are compared with the first; better or worse is said
    where several seeds of both tell them apart.

    \b
    Examples:
      epuredgm compare vae ddpm --dataset toy
      epuredgm compare ../before . --dataset toy
      epuredgm compare vae:0 other/evaluation_results/toy/vae/run_seed0.json --dataset toy
    """
    chosen = sides(runs, existing_branch(workspace, branch), dataset)
    request = {"task": "compare", "sides": [side.request() for side in chosen]}
    comparison = errand(TOOL, request, silent=as_json)
    for group in comparison["groups"]:
        group["settings"] = _settings(chosen, group["models"])
        group["equal"] = _is_equal(group)
    if as_json:
        answer(json.dumps(comparison, indent=2))
        return
    from epuredgm.cli.comparison import print_comparison

    print_comparison(comparison, everything=everything, markdown=markdown)
    for group in comparison["groups"]:
        if group["equal"]:
            _say_equal(group)


def _settings(chosen: Sequence[Side], models: Mapping[str, str]) -> dict[str, list[str]]:
    """Other side -> what was set otherwise than on the first, one line each."""
    own = {side.name: side.facts(models[side.name]) for side in chosen if side.name in models}
    first = next(iter(own))
    return {
        name: list(dict.fromkeys(_differing(own[first], facts)))
        for name, facts in islice(own.items(), 1, None)
        if facts and own[first]
    }


def _differing(one: Facts, other: Facts) -> Iterator[str]:
    for name in dict.fromkeys([*one, *other]):
        before, after = one.get(name), other.get(name)
        if before is not None and after is not None:
            yield from changes(before, after)
        elif name in one and name in other:
            yield f"{name}: the settings of what was compared are no longer on record"


def _is_equal(group: Mapping[str, Any]) -> bool:
    """Whether all sides have the same figures, and nothing was set otherwise."""
    figures = [row["values"].values() for rows in group["tasks"].values() for row in rows]
    same = all(len({json.dumps(value, sort_keys=True) for value in values}) == 1 for values in figures)
    return same and not any(group["settings"].values())


def _say_equal(group: Mapping[str, Any]) -> None:
    known = len(group["settings"]) == len(group["models"]) - 1
    models = " and ".join(dict.fromkeys(group["models"].values()))
    what = "the same settings and the same figures" if known else "the same figures"
    answer(f"nothing differs in {models}: {what}")
