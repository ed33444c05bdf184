"""The rows of a table under keyed names, and whether their files have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from epuredgm.core.files import digest
from epuredgm.core.sources import require_table
from epuredgm.data.cells import cells_of, unusable
from epuredgm.data.mammography.identity import Secret
from epuredgm.data.mammography.intake import Item
from epuredgm.data.mammography.layout import place_of
from epuredgm.data.mammography.metadata import Row
from epuredgm.data.mammography.placeholders import is_unknown

COLUMNS = ("path", "density")
HINT = "It needs the columns path and density, in any order."


def listed(rows: Sequence[Row], densities: Mapping[Path, str], dataset: str, secret: Secret) -> list[Item]:
    """The rows under keyed names, in the order of the table."""
    return [
        Item(
            # a path may be listed twice: the name of a row that is put aside is that of the row
            secret.picture(dataset, f"row {row.number}" if row.reasons else str(row.path)),
            _keyed(row.named or row.patient, dataset, secret),
            row,
            None if row.path is None else densities.get(row.path),
        )
        for row in rows
    ]


def _keyed(patient: str | None, dataset: str, secret: Secret) -> str:
    return "" if patient is None else secret.patient(dataset, patient)


def densities_of(dataset: str, root: Path, name: str | None) -> dict[Path, str]:
    """The class of density by place below ``root``; empty if there is no table of them.

    Raises:
        BadRequest: if the table does not exist.
        DataError: if it is no CSV file, or lacks a column; the text shows nothing of its rows.
    """
    if name is None:
        return {}
    table = require_table(dataset, root, name, "density")
    lines = cells_of(table, HINT)
    head = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    faults = [f"no column {column!r}" for column in COLUMNS if head.count(column) != 1]
    if faults:
        raise unusable(table, faults, HINT)
    place, value = map(head.index, COLUMNS)
    found = {}
    for _, cells in lines[1:]:
        parts, _ = place_of(cells[place] if place < len(cells) else "")
        said = cells[value].strip() if value < len(cells) else ""
        if parts:
            found[Path(*parts)] = "" if is_unknown(said) else said
    return found


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
