"""Plans as tables on the terminal, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from epuredgm.cli.console import wide_console
from epuredgm.cli.study import Study
from epuredgm.cli.words import duration, size
from epuredgm.orchestration.assess import Assessment

STYLES = {"up to date": "dim", "run": "bold", "resume": "bold cyan", "blocked": "red"}


def plan_json(study: Study, assessments: Sequence[Assessment]) -> dict[str, Any]:
    """The plan with its assessment, for ``--dry-run --json``."""
    return {
        "dataset": study.dataset,
        "profile": study.profile,
        "workspace": str(study.workspace.base),
        "devices": list(study.devices),
        "jobs": [
            {
                "key": a.job.key,
                "stage": str(a.job.stage),
                "action": a.action,
                "reasons": list(a.reasons),
                "seconds": a.seconds,
                "bytes": a.bytes,
                "needs": list(a.job.needs),
                "fingerprint": a.job.fingerprint,
            }
            for a in assessments
        ],
    }


def print_plan(study: Study, assessments: Sequence[Assessment]) -> None:
    """The plan, one line a job, and what it would cost."""
    table = Table(box=None, header_style="bold")
    for column in ("job", "action", "time, disk"):
        table.add_column(column, no_wrap=True)
    table.add_column("why", overflow="fold", min_width=20)
    for a in assessments:
        known = a.to_do and a.seconds is not None
        cost = f"{duration(a.seconds)}, {size(a.bytes)}" if known else ("no history" if a.to_do else "")
        table.add_row(a.job.key, f"[{STYLES[a.action]}]{a.action}[/]", cost, escape("; ".join(a.reasons)))
    console = wide_console()
    console.print(
        f"profile {study.profile} ({study.profile_reason}); device {', '.join(study.devices)}", markup=False
    )
    console.print(table)
    console.print(_total(assessments))


def _total(assessments: Sequence[Assessment]) -> str:
    to_do = [a for a in assessments if a.to_do]
    blocked = sum(a.action == "blocked" for a in assessments)
    known = [a for a in to_do if a.seconds is not None]
    text = f"{len(to_do)} of {len(assessments)} jobs to do"
    if blocked:
        text += f", {blocked} blocked"
    if known:
        seconds, count = sum(a.seconds or 0 for a in known), sum(a.bytes or 0 for a in known)
        text += f"; predicted {duration(seconds)}, {size(count)}"
        text += "" if len(known) == len(to_do) else f" for the {len(known)} of them that have a history"
    elif to_do:
        text += "; no history yet to predict time and disk from"
    return text + ". Nothing was written."
