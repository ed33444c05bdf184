"""The heavy half of ``epuredgm data``: a request as JSON on stdin, reports as JSON lines on stdout.

Run by the command line in a process of its own, because the command line itself never loads numpy.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from epuredgm.core.errors import EpureError
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.spec import DataSpec
from epuredgm.stages.data_sets import load, make_reader

INTERVAL = 0.1  # seconds between two progress reports
PICTURED = (10, 4)  # columns and rows of the contact sheet


class LineMonitor(Monitor):
    """Reports as JSON lines."""

    def __init__(self) -> None:
        self._last = 0.0

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        """Report, a few times a second at most, and always at the end."""
        now = time.monotonic()
        if done >= total or now - self._last >= INTERVAL:
            self._last = now
            say(progress={"done": done, "total": total, "what": what, **figures})

    def note(self, message: str) -> None:
        """Pass a line on to the user."""
        say(note=message)


def say(**message: Any) -> None:
    """One report."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def make(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Decode or make the data set: ``{"entry": its folder, "designs": how many}``."""
    workspace, spec = Workspace(Path(request["workspace"])), DataSpec.from_config(request["dataset"])
    reader = make_reader(request["dataset"], workspace)
    entry = reader.prepare(workspace.cache, monitor)
    designs = load(reader, entry, spec)
    return {"entry": str(entry), "train": int(designs.train.sum()), "test": int((~designs.train).sum())}


def inspect(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Describe the data set, and draw a contact sheet if ``picture`` names a file."""
    from epuredgm.reporting.contact_sheet import contact_sheet
    from epuredgm.stages.inspect import describe

    workspace, spec = Workspace(Path(request["workspace"])), DataSpec.from_config(request["dataset"])
    reader = make_reader(request["dataset"], workspace)
    designs = load(reader, reader.prepare(workspace.cache, monitor), spec)
    if request["picture"]:
        columns, rows = PICTURED
        shown = designs.images[: columns * rows]
        contact_sheet(shown, spec, Path(request["picture"]), columns=columns, rows=rows, title=spec.name)
    return describe(designs, spec, monitor)


def export(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Write the data set as PNGs and CSV; ``{"folder": where, "designs": how many}``."""
    from epuredgm.data.export import export_designs
    from epuredgm.data.splits import subset

    workspace, spec = Workspace(Path(request["workspace"])), DataSpec.from_config(request["dataset"])
    reader = make_reader(request["dataset"], workspace)
    entry = reader.prepare(workspace.cache, monitor)
    designs, table, folder = load(reader, entry, spec), reader.frame(entry), Path(request["to"])
    rows = subset(designs.train, request["subset"]).tolist() if request["subset"] else []
    if request["only_subset"]:
        designs, table, rows = designs.rows(rows), table.iloc[rows], []
    export_designs(designs, table, spec, folder, monitor, rows)
    return {"folder": str(folder), "designs": len(designs)}


def fetch_weights(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Get the Inception weights; see :mod:`epuredgm.stages.fetch_weights`."""
    from epuredgm.stages import fetch_weights as tool

    return tool.fetch_weights(request, monitor)


TASKS: dict[str, Callable[[Mapping[str, Any], Monitor], dict[str, Any]]] = {
    "make": make,
    "inspect": inspect,
    "export": export,
    "fetch_weights": fetch_weights,
}


def main() -> int:
    """Carry out the request on standard input; the exit code is that of the fault, if there is one."""
    request = json.load(sys.stdin)
    try:
        say(result=TASKS[request["task"]](request, LineMonitor()))
    except EpureError as error:
        say(error={"text": str(error), "exit_code": error.exit_code})
        return error.exit_code
    except OSError as error:
        say(
            error={
                "errno": error.errno,
                "text": error.strerror,
                "file": error.filename and str(error.filename),
            }
        )
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
