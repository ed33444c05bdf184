"""``epuredgm status``: what is done, running, failed and left, read from the records alone."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from epuredgm.cli.console import wide_console
from epuredgm.cli.options import json_option, workspace_option
from epuredgm.cli.words import duration
from epuredgm.core.places import Workspace
from epuredgm.orchestration.lease import Beat, Watch
from epuredgm.orchestration.locks import holder
from epuredgm.orchestration.records import Record, overview
from epuredgm.orchestration.state import read_state

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {"done": "green", "running": "cyan", "failed": "red", "lost": "red", "interrupted": "yellow"}


@dataclass(frozen=True)
class Row:
    """One job: ``status`` is what is true now; ``progress`` is a share in [0, 1] while it runs."""

    key: str
    status: str
    profile: str = ""
    seconds: float | None = None
    ended: str = ""
    progress: float | None = None
    what: str = ""
    log: str = ""


@click.command()
@workspace_option
@click.option("--branch", default="", metavar="NAME", help="Sub-folder of the workspace, e.g. test_runs.")
@click.option("--watch", is_flag=True, help="Keep looking until Ctrl-C.")
@click.option(
    "--every", default=2.0, show_default=True, type=click.FloatRange(min=0.2), help="Seconds between looks."
)
@json_option
def command(workspace: Path, branch: str, watch: bool, every: float, as_json: bool) -> None:
    """Show what is done, running, failed and left; works from any terminal, also while a run is at work.

    A job is shown as running only if its process lives; a dead one is shown as lost, and the next run goes on
    from its last checkpoint.
    """
    place = Workspace(workspace, branch)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in _rows(place, Watch())], indent=2))
        return
    if not watch:
        rows = _rows(place, Watch())
        if rows:
            wide_console().print(_table(rows))
        else:
            click.echo(f"no job has run in {place.base}{_elsewhere(place)}")
        return
    if not sys.stdout.isatty():
        _follow(place, every)
    from rich.live import Live

    others = Watch()
    with Live(_table(_rows(place, others)), refresh_per_second=4) as live:
        while True:
            time.sleep(every)
            live.update(_table(_rows(place, others)))


def _follow(place: Workspace, every: float) -> NoReturn:
    """For pipes and files: one line for each job whose status has changed."""
    seen: dict[str, str] = {}
    watch = Watch()
    while True:
        for row in _rows(place, watch):
            if seen.get(row.key) != row.status:
                seen[row.key] = row.status
                click.echo(f"{time.strftime('%H:%M:%S')}  {row.status:<11} {row.key}")
        time.sleep(every)


def _elsewhere(workspace: Workspace) -> str:
    """Where in the workspace jobs have run instead, and how to ask for that."""
    names = sorted(path.parent.name for path in workspace.root.glob("*/.epuredgm") if path.is_dir())
    return f"; but in its {', '.join(names)}: --branch {names[0]}" if names and not workspace.branch else ""


def _rows(workspace: Workspace, watch: Watch) -> list[Row]:
    """Every job on record, then those of the newest invocation that have none: they wait, or are blocked."""
    known = [_of_record(*about) for about in overview(workspace, watch)]
    keys = {row.key for row in known}
    newest = read_state(workspace)
    if newest is None:
        return known
    at_work = holder(workspace, watch) is not None
    unknown = [
        Row(key, _without_record(entry["status"], at_work), what=(entry["error"] or "").split(";")[0])
        for key, entry in newest["jobs"].items()
        if key not in keys
    ]
    return known + unknown


def _without_record(status: str, at_work: bool) -> str:
    """What a job's last word in ``state.json`` means now: nothing waits for a run that has ended."""
    return status if at_work or status not in ("waiting", "started", "done", "up to date") else "left"


def _of_record(record: Record, status: str, beat: Beat | None) -> Row:
    progress = beat.done / beat.total if beat is not None and beat.total else None
    what = record.error or ""
    if beat is not None and progress is not None:
        figures = "".join(f"  {name} {value:.4g}" for name, value in beat.figures.items())
        what = f"{beat.what}  {progress:.0%}{figures}"
    elif status == "lost":
        what = "its process died; give the run command again to go on"
    return Row(
        key=record.key,
        status=status,
        profile=record.profile,
        seconds=None if status == "running" else record.seconds,
        ended=((record.last.end or "") if record.last else "")[:19].replace("T", " "),
        progress=progress,
        what=what,
        log=record.log,
    )


def _table(rows: Sequence[Row]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    counts = Counter(row.status for row in rows)
    caption = ", ".join(f"{count} {status}" for status, count in counts.items())
    table = Table(box=None, header_style="bold", caption=caption, caption_justify="left")
    table.add_column("job", no_wrap=True)
    for column in ("status", "profile", "took", "ended", "what"):
        table.add_column(column)
    for row in rows:
        status = f"[{STYLES[row.status]}]{row.status}[/]" if row.status in STYLES else row.status
        took = "" if row.seconds is None else duration(row.seconds)
        table.add_row(row.key, status, row.profile, took, row.ended, escape(row.what))
    return table
