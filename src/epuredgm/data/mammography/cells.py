"""The cells of a table that somebody else wrote: CSV with any usual separator, or one error without them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from epuredgm.core.errors import DataError

MAX_BYTES = 1 << 27
MAX_CELL = 4096
Lines = list[tuple[int, list[str]]]


def unusable(table: Path, faults: Sequence[str], hint: str) -> DataError:
    """The error of a table, named by its file."""
    return DataError(f"the table {table.name} cannot be used", faults, hint)


def cells_of(table: Path, hint: str) -> Lines:
    """Numbers of the rows that are not blank, as a spreadsheet counts, and their cells.

    Args:
        table: the CSV file, separated by commas, semicolons or tabs.
        hint: what it should be, for the error.

    Raises:
        DataError: if it is no CSV file in UTF-8, or a quote is not closed, which would swallow rows.
    """
    text = _text(table, hint)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    lines = text.splitlines(keepends=True)
    try:
        cells = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        cells = None
    if cells is None or any(len(cell) > MAX_CELL for line in cells for cell in line):
        raise unusable(table, ["the table is not a CSV file"], hint)
    broken = [n for n, line in enumerate(cells, start=1) if any("\n" in cell for cell in line)]
    if broken:
        raise unusable(table, [f"row {n}: a quote is not closed" for n in broken], hint)
    return [(n, line) for n, line in enumerate(cells, start=1) if any(cell.strip() for cell in line)]


def _text(table: Path, hint: str) -> str:
    try:
        if table.stat().st_size > MAX_BYTES:
            raise unusable(table, ["the table is larger than one of this kind can be"], hint)
        text = table.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = "\0"
    if "\0" in text:
        raise unusable(table, ["the table is not a readable file in UTF-8"], hint)
    return text
