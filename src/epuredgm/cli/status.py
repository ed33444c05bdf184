"""``epuredgm status``: what is done, running, failed and left, read from the records alone."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from epuredgm.cli.options import json_option, workspace_option
from epuredgm.cli.words import duration
from epuredgm.core.places import Workspace
from epuredgm.orchestration.lease import Beat
from epuredgm.orchestration.records import Record, overview

if TYPE_CHECKING:
    from rich.table import Table

Row = tuple[Record, str, Beat | None]
STYLES = {"done": "green", "running": "cyan", "failed": "red", "lost": "red", "interrupted": "yellow"}


@click.command()
@workspace_option
@click.option("--branch", default="", metavar="NAME", help="Sub-folder of the workspace, e.g. test_runs.")
@click.option("--watch", is_flag=True, help="Keep looking until Ctrl-C.")
@click.option("--every", default=2.0, show_default=True, type=click.FloatRange(min=0.2), help="Seconds between looks.")
@json_option
def command(workspace: Path, branch: str, watch: bool, every: float, as_json: bool) -> None:
    """Show what is done, running, failed and left; works from any terminal, also while a run is at work.

    A job is shown as running only if its process lives; a dead one is shown as lost, and the next run goes on
    from its last checkpoint.
    """
    place = Workspace(workspace, branch)
    if as_json:
        click.echo(json.dumps([_facts(row) for row in overview(place)], indent=2))
        return
    from rich.console import Console

    if not watch:
        rows = overview(place)
        Console().print(_table(rows) if rows else f"no job has run in {place.base}")
        return
    from rich.live import Live

    with Live(_table(overview(place)), refresh_per_second=4) as live:
        while True:
            time.sleep(every)
            live.update(_table(overview(place)))


def _table(rows: Sequence[Row]) -> Table:
    from rich.table import Table

    counts = Counter(status for _, status, _ in rows)
    caption = ", ".join(f"{count} {status}" for status, count in counts.items())
    table = Table(box=None, header_style="bold", caption=caption, caption_justify="left")
    for column in ("job", "status", "took", "ended", "what"):
        table.add_column(column, overflow="fold")
    for record, status, beat in rows:
        ended = (record.last.end or "") if record.last else ""
        table.add_row(
            record.key,
            f"[{STYLES.get(status, '')}]{status}[/]" if status in STYLES else status,
            duration(record.seconds) if status != "running" else "",
            ended[:19].replace("T", " "),
            _what(record, status, beat),
        )
    return table


def _what(record: Record, status: str, beat: Beat | None) -> str:
    if beat is not None and beat.total:
        figures = "".join(f"  {name} {value:.4g}" for name, value in beat.figures.items())
        return f"{beat.what}  {beat.done / beat.total:.0%}{figures}"
    if status == "lost":
        return "its process died; give the run command again to go on"
    return record.error or ""


def _facts(row: Row) -> dict[str, object]:
    record, status, beat = row
    return {
        "key": record.key,
        "status": status,
        "profile": record.profile,
        "seconds": record.seconds,
        "error": record.error,
        "log": record.log,
        "progress": beat.done / beat.total if beat is not None and beat.total else None,
    }
