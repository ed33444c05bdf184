"""The table of a component-folder data set, read and checked: every fault is collected, none is repaired.

Rows are numbered as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest, DataError
from epuredgm.core.sources import SPLITS, column_faults
from epuredgm.data.cells import cells_of, unusable

HINT = "docs/data.md shows the table."
OPPOSITE = {"train": "test", "test": "train"}  # a second column that may say the same
CASES: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "keep": str}
GAPS = frozenset(("", "na", "n/a", "none", "null", "<na>", "nan", "-nan", "+nan"))
NUMBER = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity)", re.IGNORECASE
)
TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


@dataclass(frozen=True)
class TableFormat:
    """How the table is read.

    Attributes:
        id_column: column of the designs' unique names.
        split_column: column that says which rows are train: true/false, 1/0 or train/test.
        prefix_case: ``lower``, ``upper`` or ``keep``: the id's form in file names.
    """

    id_column: str
    split_column: str
    prefix_case: str

    def __post_init__(self) -> None:
        if self.prefix_case not in CASES:
            raise BadRequest(
                f"dataset.reader.prefix_case is {self.prefix_case!r}", f"Choose one of: {', '.join(CASES)}"
            )


@dataclass(frozen=True)
class Table:
    """The rows in use; arrays correspond.

    Attributes:
        ids: the designs' names, as in the table.
        prefixes: their form in file names.
        numbers: row numbers in the file.
        train: bool (N,); the others are the test split.
        columns: every column that holds numbers only (or gaps, as NaN), float64 (N,).
        unused: rows that belong to neither split.
    """

    ids: tuple[str, ...]
    prefixes: tuple[str, ...]
    numbers: tuple[int, ...]
    train: NDArray[np.bool_]
    columns: Mapping[str, NDArray[np.float64]]
    unused: int

    def split(self, row: int) -> str:
        """Name of the split that a row belongs to."""
        return SPLITS[0] if self.train[row] else SPLITS[1]


def read_table(path: Path, form: TableFormat, conditions: Sequence[str], faults: list[str]) -> Table | None:
    """Read the table; what is wrong is added to ``faults``, one line each.

    Returns:
        The rows that can be looked at further, or None if the table cannot be read so far.
    """
    try:
        raw = _cells(path)
    except DataError as error:
        faults.extend(f"{path.name}: not a readable CSV file in UTF-8: {fault}" for fault in error.faults)
        return None
    needed = (form.id_column, form.split_column, *conditions)
    columns = list(raw.columns)
    faults.extend(f"{path.name}: {fault}" for fault in column_faults(needed, columns))
    for name in dict.fromkeys((*needed, OPPOSITE.get(form.split_column, ""))):
        if columns.count(name) > 1:
            faults.append(f"{path.name}: more than one column {name!r}")
    raw = raw.loc[:, ~raw.columns.duplicated()]
    if form.id_column not in raw.columns or form.split_column not in raw.columns:
        return None
    flags = _train_flags(raw, form.split_column, path.name, faults)
    used = [row for row, flag in enumerate(flags) if flag is not None]
    table = _table(raw.iloc[used], [bool(flags[row]) for row in used], form, len(raw) - len(used))
    _check_ids(table, path.name, faults)
    _check_splits(table, path.name, faults)
    _check_values(
        raw.iloc[used], table, [name for name in conditions if name in raw.columns], path.name, faults
    )
    return table


def _cells(path: Path) -> pd.DataFrame:
    """All cells as text under their stripped names; the index is the row number. Blank rows are left out.

    Raises:
        DataError: if it is no CSV file in UTF-8, a quote swallows rows, or a row is longer than the header.
    """
    rows = cells_of(path, HINT, ",")
    if not rows:
        raise unusable(path, ["the file is empty"], HINT)
    header = [name.strip() for name in rows[0][1]]
    width = len(header)
    longer = [f"row {n} has {len(row)} cells, the header {width}" for n, row in rows if any(row[width:])]
    if longer:
        raise unusable(path, longer, HINT)
    padded = [(row + [""] * width)[:width] for _, row in rows[1:]]  # rows may be shorter than the header
    index = pd.Index([n for n, _ in rows[1:]], dtype="int64")
    cells = pd.DataFrame(padded, index=index, columns=pd.Index(header), dtype=object)
    return cells.loc[:, cells.columns != ""]


def _table(raw: pd.DataFrame, train: list[bool], form: TableFormat, unused: int) -> Table:
    ids = tuple(str(value).strip() for value in raw[form.id_column])
    change = CASES[form.prefix_case]
    columns = {name: _numbers(raw[name]) for name in raw.columns if name != form.id_column}
    return Table(
        ids=ids,
        prefixes=tuple(change(name) for name in ids),
        numbers=tuple(int(number) for number in raw.index),
        train=np.array(train, dtype=np.bool_),
        columns={name: values for name, values in columns.items() if values is not None},
        unused=unused,
    )


def _numbers(texts: pd.Series[str]) -> NDArray[np.float64] | None:
    """The column as numbers, gaps as NaN; None if it holds anything else."""
    try:
        return np.array([_number(text) for text in texts], dtype=np.float64)
    except ValueError:
        return None


def _number(text: str) -> float:
    """A cell as a number, NaN for a gap.

    Raises:
        ValueError: if it is neither; Python's own ``4_5`` and digits of other scripts are not numbers here.
    """
    text = text.strip()
    if text.lower() in GAPS:
        return float("nan")
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def _train_flags(raw: pd.DataFrame, column: str, name: str, faults: list[str]) -> list[bool | None]:
    """Train (True), test (False) or neither (None) for each row, from the split column and its opposite."""
    opposite = OPPOSITE.get(column)
    other = raw[opposite] if opposite in raw.columns else [""] * len(raw)
    flags: list[bool | None] = []
    for row, text, against_text in zip(raw.index, raw[column], other, strict=True):
        flag, against = _is_train(text, column), _is_train(against_text, str(opposite))
        if flag is None:
            faults.append(
                f"{name} row {row}: {column} is {text!r}, which is neither true/false nor train/test"
            )
        elif against is not None and against != flag:
            # booleans that agree in value: in both splits is a contradiction, in neither means unused
            if (flag and column == "train") or (not flag and column == "test"):
                faults.append(f"{name} row {row}: in both splits ({column} and {opposite} are true)")
            flag = None
        flags.append(flag)
    return flags


def _is_train(text: str, column: str) -> bool | None:
    word = text.strip().lower()
    if word in SPLITS:
        return word == "train"
    truth = TRUTH.get(word)
    return truth if truth is None or column != "test" else not truth


def _check_ids(table: Table, name: str, faults: list[str]) -> None:
    first: dict[str, int] = {}
    for identity, prefix, number in zip(table.ids, table.prefixes, table.numbers, strict=True):
        if not prefix:
            faults.append(f"{name} row {number}: the id is empty")
        elif not is_plain_name(prefix):
            faults.append(f"{name} row {number}: the id {identity!r} cannot be part of a file name")
        elif prefix in first:
            faults.append(f"{name} row {number}: duplicate id {identity!r}, first in row {first[prefix]}")
        first.setdefault(prefix, number)


def _check_splits(table: Table, name: str, faults: list[str]) -> None:
    for split, number in (("train", int(table.train.sum())), ("test", int((~table.train).sum()))):
        if number == 0:
            faults.append(f"{name}: the {split} split is empty")


def _check_values(
    raw: pd.DataFrame, table: Table, conditions: Sequence[str], name: str, faults: list[str]
) -> None:
    """Every used condition must be a finite number in every used row."""
    for column in conditions:
        for text, number in zip(raw[column], table.numbers, strict=True):
            try:
                value = _number(str(text))
            except ValueError:
                faults.append(f"{name} row {number}: {column} is {text!r}, not a number")
                continue
            if not np.isfinite(value):
                shown = f"is {text!r}" if str(text).strip() else "has no value"
                faults.append(f"{name} row {number}: {column} {shown} (NaN or infinite)")


def is_plain_name(prefix: str) -> bool:
    """Whether ``prefix`` can be part of a file name without leading to another folder."""
    parts_paths = any(mark in prefix for mark in ("/", "\\", ":"))
    return bool(prefix) and prefix.isprintable() and not parts_paths and prefix not in (".", "..")
