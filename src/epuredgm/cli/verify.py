"""``epuredgm verify``: everything that a run needs, checked before it costs an hour."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import click

from epuredgm.cli.checks import Check, all_checks
from epuredgm.cli.commands import Command
from epuredgm.cli.deep import deep_checks
from epuredgm.cli.options import json_option
from epuredgm.cli.request import request_options
from epuredgm.cli.study import Request, resolve
from epuredgm.core.errors import EpureError

MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "failed": ("FAILED", "red")}


@click.command(cls=Command)
@request_options
@click.option("--deep", is_flag=True, help="Also read all that was made and check every hash.")
@json_option
def command(request: Request, deep: bool, as_json: bool) -> int:
    """Check everything that a run needs, before it costs an hour.

    One line a check, with a way to mend what fails: configurations, data, device and memory, disk,
    dependencies, write access, pointers, and one forward, backward and sample of each model on two images.
    The exit code is 1 if a check fails; warnings do not count. With --deep every file that a job has made is
    read too, whatever its size and time say; the next run makes again what is damaged.
    """
    checks: list[Check] = []
    for check in _checks(request, deep, silent=as_json):
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


def _checks(request: Request, deep: bool, *, silent: bool) -> Iterator[Check]:
    yield from all_checks(request, silent=silent)
    if deep:
        with suppress(EpureError):  # a request that cannot be resolved has been said
            yield from deep_checks(resolve(request).workspace, silent=silent)


def _show(check: Check) -> None:
    mark, color = MARKS[check.status]
    click.echo(f"{click.style(f'{mark:<8}', fg=color)} {check.name:<24} {check.message}")
    if check.mend and check.status != "ok":
        click.echo(f"{'':<33} -> {check.mend}")
