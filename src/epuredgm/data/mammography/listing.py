"""The rows of a table under keyed names, and whether their files have changed."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from epuredgm.core.errors import DataError
from epuredgm.core.files import digest
from epuredgm.core.sources import column_faults, metadata_table
from epuredgm.data.mammography.identity import Secret
from epuredgm.data.mammography.intake import Item
from epuredgm.data.mammography.layout import place_of
from epuredgm.data.mammography.metadata import Row

COLUMNS = ("path", "density")


def listed(rows: Sequence[Row], densities: Mapping[Path, str], dataset: str, secret: Secret) -> list[Item]:
    """The rows under keyed names, in the order of the table."""
    return [
        Item(
            # a path may be listed twice: the name of a row that is put aside is that of the row
            secret.picture(dataset, f"row {row.number}" if row.reasons else str(row.path)),
            "" if row.patient is None else secret.patient(dataset, row.patient),
            row,
            None if row.path is None else densities.get(row.path),
        )
        for row in rows
    ]


def densities_of(dataset: str, root: Path, name: str | None) -> dict[Path, str]:
    """The class of density by place below ``root``; empty if there is no table of them.

    Raises:
        BadRequest: if the table does not exist.
        DataError: if it lacks a column.
    """
    if name is None:
        return {}
    with metadata_table(dataset, root, name).open(encoding="utf-8-sig", newline="") as file:
        lines = csv.DictReader(file)
        faults = column_faults(COLUMNS, lines.fieldnames or [])
        if faults:
            raise DataError(f"data set {dataset}: the table of densities lacks columns", faults)
        return {Path(*place_of(line["path"] or "")[0]): (line["density"] or "").strip() for line in lines}


def signature_of(root: Path, items: Sequence[Item]) -> str:
    """SHA-256 over place, size and time of every file: cheap, to tell "unchanged" at once."""
    lines = []
    for item in items:
        if item.row.path is not None:
            try:
                about = (root / item.row.path).stat()
                lines.append([str(item.row.path), about.st_size, about.st_mtime_ns])
            except (OSError, ValueError):
                lines.append([str(item.row.path), -1, -1])
    return digest(lines)
