"""Where a phantom data set puts its files, and what its table says, in the forms that the real data had."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from epuredgm.core.errors import BadRequest
from epuredgm.data.mammography.phantom_cohort import CANCER, FALSE_POSITIVE, Member
from epuredgm.data.mammography.phantom_forms import PLAIN
from epuredgm.data.mammography.phantom_patient import Side, View, stream

FOLDERS = {"L": "left", "R": "right"}
OLD_TABLE, NEW_TABLE = "NLBSP-metadata.csv", "NLBSD_Metadata.csv"
OLD_COLUMNS = ("File Path", "Image Laterality", "View Position", "Age", "Cancer", "False Positive")
NEW_COLUMNS = (
    "File Path",
    "Image Laterality",
    "View Position",
    "Age",
    "Study Date",
    "Window Center",
    "Window Width",
    "Cancer",
    "Hard to State Negative",
)


@dataclass(frozen=True)
class Row:
    """One image of the data set.

    Attributes:
        path: of the file, below the data set's root.
        member: whose it is.
        side: which breast.
        view: CC or MLO.
        take: above 0 for repeats.
    """

    path: PurePosixPath
    member: Member
    side: Side
    view: View
    take: int

    @property
    def cancer(self) -> int:
        """The exam's flag: 1 for the healthy breast of a patient with cancer too, as in the real data."""
        return int(self.member.group == CANCER)

    @property
    def false_positive(self) -> int:
        """The exam's flag."""
        return int(self.member.group == FALSE_POSITIVE)


@dataclass(frozen=True)
class Layout:
    """One generation of the data.

    Attributes:
        table: name of the CSV file.
        patient_folder: name of a patient's folder, below that of the class.
        side_folder: name of a breast's folder.
        write: the table's text, of all rows and the seed.
    """

    table: str
    patient_folder: Callable[[Member], str]
    side_folder: Callable[[Member, Side], str]
    write: Callable[[Sequence[Row], int], str]

    def folder(self, member: Member) -> PurePosixPath:
        """A patient's folder, below the data set's root."""
        return PurePosixPath(member.group, self.patient_folder(member))

    def rows(self, member: Member) -> list[Row]:
        """The patient's images."""
        rows = []
        for number, (side, view, take) in enumerate(member.views, start=1):
            name = f"IM-{member.patient.number:04d}-{number:04d}.dcm"
            path = self.folder(member) / self.side_folder(member, side) / view / name
            rows.append(Row(path, member, side, view, take))
        return rows


def layout_of(name: str) -> Layout:
    """A layout by name.

    Raises:
        BadRequest: if there is none.
    """
    if name not in LAYOUTS:
        raise BadRequest(f"there is no phantom layout {name!r}", f"Choose one of: {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def _exam_folder(member: Member) -> str:
    """Twelve digits."""
    text = f"exam/{member.patient.root}/{member.patient.number}"
    return f"{int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], 'big') % 10**12:012d}"


def _numbered_folder(member: Member) -> str:
    return f"p_{member.patient.number:04d}"


def _plain_side(member: Member, side: Side) -> str:
    return FOLDERS[side]


def _marked_side(member: Member, side: Side) -> str:
    """The breast with cancer has -c at its end."""
    marked = any(found.kind == "malignant" and found.side == side for found in member.findings)
    return FOLDERS[side] + ("-c" if marked else "")


def _windows_path(row: Row) -> str:
    return str(row.path).replace("/", "\\")


def _old_table(rows: Sequence[Row], seed: int) -> str:
    table: list[list[str | int]] = [
        [_windows_path(r), r.side, r.view, r.member.patient.age, r.cancer, r.false_positive] for r in rows
    ]
    return _csv([OLD_COLUMNS, *table])


def _new_cells(row: Row) -> list[str | int]:
    centre, width = PLAIN.window
    age = row.member.patient.age
    path = _windows_path(row)
    return [path, row.side, row.view, age, "", f"{centre:g}", f"{width:g}", row.cancer, 0]


def _new_table(rows: Sequence[Row], seed: int) -> str:
    return _csv([NEW_COLUMNS, *map(_new_cells, rows)])


def _shuffled_table(rows: Sequence[Row], seed: int) -> str:
    """The new table with columns and rows in another order."""
    rng = stream(seed, "shuffled table")
    columns, order = rng.permutation(len(NEW_COLUMNS)), rng.permutation(len(rows))
    lines = [NEW_COLUMNS, *(_new_cells(rows[k]) for k in order)]
    return _csv([[line[k] for k in columns] for line in lines])


def _one_column_table(rows: Sequence[Row], seed: int) -> str:
    """One cell a row: the path with side, view, age and both flags glued to its end."""
    glued = [
        f"{_windows_path(r)}{r.side}{r.view}{r.member.patient.age:02d}{r.cancer}{r.false_positive}"
        for r in rows
    ]
    return _csv([["File Path"], *([cell] for cell in glued)])


def _csv(lines: Sequence[Sequence[str | int]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


LAYOUTS = {
    "new": Layout(NEW_TABLE, _numbered_folder, _marked_side, _new_table),
    "old": Layout(OLD_TABLE, _exam_folder, _plain_side, _old_table),
    "one_column": Layout(OLD_TABLE, _exam_folder, _plain_side, _one_column_table),
    "shuffled": Layout(NEW_TABLE, _numbered_folder, _marked_side, _shuffled_table),
}
