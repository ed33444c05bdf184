"""``epuredgm verify --deep``: everything that jobs have made is read and held against its hash."""

from __future__ import annotations

from collections.abc import Iterator

from epuredgm.cli.checks import Check
from epuredgm.cli.errand import progress_display
from epuredgm.cli.words import size
from epuredgm.core.jobs import Artefact
from epuredgm.core.places import Workspace
from epuredgm.orchestration.archive import all_runs
from epuredgm.orchestration.artefacts import doubt, fault_of
from epuredgm.orchestration.records import Record, Records

NAME = "deep"
AGAIN = "The next run makes it again."
EARLIER = "It is of an earlier run: a run with its settings makes it again; or remove its folder."


def deep_checks(workspace: Workspace, *, silent: bool) -> Iterator[Check]:
    """One line for each file that is not what was written, and one for all others.

    What is found damaged is marked, so that the next run makes it again.

    Args:
        workspace: the branch whose records count.
        silent: show no progress.
    """
    records, runs = Records(workspace), all_runs(workspace)
    own = records.all()
    current = {each.path for record in own for each in record.outputs.values()}
    made = _made([*own, *runs.records])
    faults = [*records.faults, *runs.faults]
    for text in faults:
        yield Check(NAME, "failed", text, "Give the run command again.")
    total, done, damaged = sum(each.bytes for each in made), 0, 0
    with progress_display(silent) as shown:
        for each, key in made.items():
            shown.progress(done / 1e6, total / 1e6, "reading what was made, MB")
            fault = fault_of(each, workspace, read=True)
            done += each.bytes
            if fault is not None:
                damaged += 1
                doubt(each, workspace)
                mend = AGAIN if each.path in current else EARLIER
                yield Check(NAME, "failed", f"{each.path} is {fault} ({key})", mend)
    if not damaged and not faults:
        yield Check(NAME, "ok", f"{len(made)} files and folders, {size(total)}, all as they were written")


def _made(records: list[Record]) -> dict[Artefact, str]:
    """Every output of a done job once, with the key of the job; of two that share a path, the newest."""
    by_path: dict[str, tuple[Artefact, str]] = {}
    for record in records:
        if record.status == "done":
            for each in record.outputs.values():
                by_path.setdefault(each.path, (each, record.key))
    return dict(by_path.values())
