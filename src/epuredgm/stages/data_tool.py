"""The heavy half of ``epuredgm data``: making, describing and exporting data sets."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epuredgm.core.errors import BadRequest
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Accounting
from epuredgm.stages.data_sets import load, make_reader
from epuredgm.stages.tool import Task, serve

PICTURED = (10, 4)  # columns and rows of the contact sheet


def make(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Decode or make the data set: ``{"entry": its folder, "designs": how many}``."""
    workspace, spec = Workspace(Path(request["workspace"])), DataSpec.from_config(request["dataset"])
    reader = make_reader(request["dataset"], workspace)
    entry = reader.prepare(workspace.cache, monitor)
    designs = load(reader, entry, spec)
    return {"entry": str(entry), "train": int(designs.train.sum()), "test": int((~designs.train).sum())}


def verify(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Hold the data set's entry against its hashes and count what is in it; made first if it is not there."""
    workspace, spec = Workspace(Path(request["workspace"])), DataSpec.from_config(request["dataset"])
    reader = make_reader(request["dataset"], workspace)
    entry = reader.prepare(workspace.cache, monitor)
    designs = load(reader, entry, spec)
    counts = {"train": int(designs.train.sum()), "test": int((~designs.train).sum())}
    account = reader.account(entry) if isinstance(reader, Accounting) else {}
    return {"name": spec.name, "entry": str(entry), "splits": counts, "account": account}


def inspect(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Describe the data set, and draw a contact sheet if ``picture`` names a file."""
    from epuredgm.reporting.contact_sheet import contact_sheet
    from epuredgm.stages.inspect import describe

    if request["picture"]:
        _require_public(request["dataset"], "a contact sheet shows them")
    workspace, spec = Workspace(Path(request["workspace"])), DataSpec.from_config(request["dataset"])
    reader = make_reader(request["dataset"], workspace)
    entry = reader.prepare(workspace.cache, monitor)
    designs = load(reader, entry, spec)
    if request["picture"]:
        columns, rows = PICTURED
        shown = designs.images[: columns * rows]
        contact_sheet(shown, spec, Path(request["picture"]), columns=columns, rows=rows, title=spec.name)
    account = reader.account(entry) if isinstance(reader, Accounting) else {}
    return {**describe(designs, spec, monitor), "account": account}


def export(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Write the data set as PNGs and CSV; ``{"folder": where, "designs": how many}``."""
    from epuredgm.data.export import export_designs
    from epuredgm.data.splits import subset

    _require_public(request["dataset"], "an export copies them")
    workspace, spec = Workspace(Path(request["workspace"])), DataSpec.from_config(request["dataset"])
    reader = make_reader(request["dataset"], workspace)
    entry = reader.prepare(workspace.cache, monitor)
    designs, table, folder = load(reader, entry, spec), reader.frame(entry), Path(request["to"])
    rows = subset(designs.train, request["subset"]).tolist() if request["subset"] else []
    if request["only_subset"]:
        designs, table, rows = designs.rows(rows), table.iloc[rows], []
    export_designs(designs, table, spec, folder, monitor, rows)
    return {"folder": str(folder), "designs": len(designs)}


def _require_public(dataset: Mapping[str, Any], why: str) -> None:
    """Refuse what would carry pictures of a private data set out of the cache.

    Raises:
        BadRequest: if it is private.
    """
    if dataset["private"]:
        raise BadRequest(
            f"data set {dataset['name']} is private: its pictures stay where they are, and {why}",
            "'epuredgm data verify' and 'data inspect' tell numbers; generated pictures are in samples/.",
        )


def fetch_weights(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Get the Inception weights; see :mod:`epuredgm.stages.fetch_weights`."""
    from epuredgm.stages import fetch_weights as tool

    return tool.fetch_weights(request, monitor)


TASKS: dict[str, Task] = {
    "make": make,
    "verify": verify,
    "inspect": inspect,
    "export": export,
    "fetch_weights": fetch_weights,
}


if __name__ == "__main__":
    sys.exit(serve(TASKS))
