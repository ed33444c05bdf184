"""Whether grey pictures show what was asked for, as read by classifiers that were trained on real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from epuredgm.core.spec import DataSpec
from epuredgm.reporting.grey.part import Json, Part, blocks_of, figure_part, figures_in, without
from epuredgm.reporting.grey.part import words as in_words
from epuredgm.reporting.numbers import short
from epuredgm.reporting.tables import Cell, Head, Table

KEY = "condition_fidelity"
CONFUSION = "confusion"


def fidelity(result: Json, spec: DataSpec) -> Part:
    """Agreement of asked and read, on generated and on real pictures, with confusions."""
    blocks = [(mode, block) for mode, block in blocks_of(result) if KEY in block]
    rows = [
        (in_words(name), mode, figure)
        for mode, block in blocks
        for name, figure in figures_in(_without_confusions(block[KEY]))
    ]
    part = figure_part(
        "Condition fidelity",
        rows,
        without(blocks_of(result), KEY, "Condition fidelity"),
        "A classifier that was trained on real train pictures reads each condition. What it cannot read on "
        "real test pictures says nothing about generated ones, and has no value.",
    )
    tables = [
        table
        for mode, block in blocks
        for path, content in _confusions(block[KEY])
        if (table := confusion_table(path, mode, content, spec)) is not None
    ]
    return Part(part.title, part.words, (*part.tables, *tables))


def _without_confusions(content: Any) -> Any:
    """A metric's block, condition by condition."""
    if not isinstance(content, Mapping):
        return {}
    return {key: _plain(each) for key, each in content.items()}


def _plain(content: Any) -> Any:
    """A condition's block as figures only: one that is a figure itself keeps what stands beside it."""
    if not isinstance(content, Mapping):
        return content
    inner = {key: each for key, each in content.items() if key != CONFUSION}
    if "value" not in inner:
        return inner
    beside = {key: each for key, each in inner.items() if key == "real"}
    return {"agreement": {key: each for key, each in inner.items() if key != "real"}, **beside}


def _confusions(content: Any, path: str = "") -> list[tuple[str, Any]]:
    """(condition, confusion) wherever there is one."""
    found: list[tuple[str, Any]] = []
    if isinstance(content, Mapping):
        for key, each in content.items():
            if key == CONFUSION:
                found.append((path, each))
            else:
                found.extend(_confusions(each, f"{path}.{key}".strip(".")))
    return found


def confusion_table(path: str, mode: str, content: Any, spec: DataSpec) -> Table | None:
    """Rows are what was asked for, columns what was read; None if it has no such shape."""
    values = _values(path, spec)
    rows = _rows(content, values)
    if rows is None:
        return None
    names, read, counts = rows
    title = f"{in_words(path)}, {mode}: asked for (rows) and read (columns)"
    heads = (Head("asked", numeric=False), *(Head(each) for each in read), Head("agree"))
    body = []
    for place, (name, row) in enumerate(zip(names, counts, strict=True)):
        total = sum(row)
        own = row[place] if place < len(row) and name in read else None
        share = own / total if own is not None and total else None
        right = place if total and name in read else None
        cells = [
            Cell(
                short(value),
                key=value,
                tone="good" if column == right else "",
            )
            for column, value in enumerate(row)
        ]
        body.append((Cell(name), *cells, Cell("–" if share is None else f"{100 * share:.0f} %", key=share)))
    return Table(title, heads, tuple(body), caption=title, sortable=False)


def _values(path: str, spec: DataSpec) -> Sequence[str]:
    """The categories of the condition that a path names."""
    named = {condition.name: condition.values for condition in spec.conditions}
    return next((named[part] for part in reversed(path.split(".")) if part in named), ())


def _rows(content: Any, values: Sequence[str]) -> tuple[list[str], list[str], list[list[float]]] | None:
    """(names of rows, names of columns, counts) of a matrix, plain or by name."""
    if isinstance(content, Mapping) and isinstance(content.get("matrix"), list):
        given = content.get("values") or content.get("labels") or values
        return _rows(content["matrix"], [str(each) for each in given])
    if isinstance(content, list) and content and all(isinstance(row, list) for row in content):
        width = max(len(row) for row in content)
        columns = [values[k] if k < len(values) else str(k) for k in range(width)]
        names = [values[k] if k < len(values) else str(k) for k in range(len(content))]
        return names, columns, [[float(each or 0) for each in row] for row in content]
    if isinstance(content, Mapping) and content and all(isinstance(row, Mapping) for row in content.values()):
        columns = list(
            dict.fromkeys([*map(str, content), *(str(k) for row in content.values() for k in row)])
        )
        table = [[float(row.get(column) or 0) for column in columns] for row in content.values()]
        return [str(name) for name in content], columns, table
    return None
