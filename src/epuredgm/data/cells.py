"""The cells of a table that somebody else wrote: CSV with any usual separator, or one error without them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from epuredgm.core.errors import DataError

MAX_BYTES = 1 << 27
MAX_CELL = 4096
Lines = list[tuple[int, list[str]]]
OTHER_FILES = (  # first bytes, what it is
    (b"PK\x03\x04", "a workbook of Excel or another zipped file"),
    (b"\xd0\xcf\x11\xe0", "a workbook of an old Excel"),
    (b"\x1f\x8b", "a compressed file"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF document"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
)
AS_CSV = "save it as CSV in UTF-8"


def unusable(table: Path, faults: Sequence[str], hint: str) -> DataError:
    """The error of a table, named by its file."""
    return DataError(f"the table {table.name} cannot be used", faults, hint)


def cells_of(table: Path, hint: str, delimiter: str | None = None) -> Lines:
    """Numbers of the rows that are not blank, as a spreadsheet counts, and their cells.

    A cell in quotes may go on over several lines, unless what it swallows are rows.

    Args:
        table: the CSV file, separated by commas, semicolons or tabs.
        hint: what it should be, for the error.
        delimiter: what separates cells; None finds it in the first row.

    Raises:
        DataError: if it is no CSV file in UTF-8, or a quote is not closed, which would swallow rows.
    """
    text = _text(table, hint)
    lines = list(io.StringIO(text, newline=""))
    rows, broken = _rows(lines, delimiter or _delimiter(lines))
    if broken:
        raise unusable(table, [f"row {n}: a quote is not closed, or stands alone" for n in broken], hint)
    if any(len(cell) > MAX_CELL for _, cells in rows for cell in cells):
        raise unusable(table, [f"the table is not a CSV file: a cell has more than {MAX_CELL} letters"], hint)
    return [(n, cells) for n, cells in rows if any(cell.strip() for cell in cells)]


def _delimiter(lines: Sequence[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    outside = re.sub(r'"[^"]*"', "", first)
    found = max(",;\t", key=outside.count)
    return found if outside.count(found) else max(",;\t", key=first.count)


def _rows(lines: Sequence[str], delimiter: str) -> tuple[Lines, list[int]]:
    """The rows and, of those, the numbers whose quotes are wrong."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    rows: Lines = []
    broken: list[int] = []
    longer: set[int] = set()  # rows over several lines
    start = 0
    for number in range(1, len(lines) + 1):
        try:
            cells = next(reader, None)
        except csv.Error:  # a cell of more than the library takes: what stands behind a quote
            broken.append(number)
            break
        if cells is None:
            break
        span, start = lines[start : reader.line_num], reader.line_num
        rows.append((number, cells))
        if any('"' in line for line in span) and not _is_closed(span, delimiter):
            broken.append(number)
        elif len(span) > 1:
            longer.add(number)
    of_one_line = Counter(len(cells) for number, cells in rows[1:] if number not in longer and any(cells))
    columns = len(rows[0][1]) if rows else 0
    usual = of_one_line.most_common(1)[0][0] if of_one_line else columns
    for number in longer:
        cells = rows[number - 1][1]
        if len(cells) not in (columns, usual) or any(_swallows(cell, usual, delimiter) for cell in cells):
            broken.append(number)
    return rows, sorted(broken)


def _is_closed(span: Sequence[str], delimiter: str) -> bool:
    """Whether the quotes of a row, which may go over several lines, are closed and end where a cell ends."""
    try:
        list(csv.reader(map(_trimmed, span), delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        return False
    return True


def _trimmed(line: str) -> str:
    """A line without blanks between a closing quote and the separator or the end, which are no fault."""
    return re.sub(r'"[ \t]+(?=[,;\t\r\n]|$)', '"', line)


def _swallows(cell: str, usual: int, delimiter: str) -> bool:
    """Whether a cell holds, for each of its line breaks, as many separators as a row of ``usual`` cells has.

    A pair of stray quotes may be legal and swallow the rows between them; this is how they look.
    """
    breaks = len(re.findall(r"\r\n|\r|\n", cell if usual > 1 else cell.strip("\r\n")))
    return breaks > 0 and cell.count(delimiter) >= breaks * (usual - 1)


def _text(table: Path, hint: str) -> str:
    try:
        if table.stat().st_size > MAX_BYTES:
            raise unusable(table, ["the table is larger than one of this kind can be"], hint)
        content = table.read_bytes()
    except OSError as error:
        raise unusable(table, [f"the table cannot be read: {error.strerror}"], hint) from None
    for mark, what in OTHER_FILES:
        if content.startswith(mark):
            raise unusable(table, [f"the table is {what}, no CSV file in UTF-8: {AS_CSV}"], hint)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise unusable(table, [f"the table is not in UTF-8 (in Latin-1, say): {AS_CSV}"], hint) from None
    if "\0" in text:
        raise unusable(table, [f"the table holds bytes of 0, so it is no CSV file in UTF-8: {AS_CSV}"], hint)
    return text
