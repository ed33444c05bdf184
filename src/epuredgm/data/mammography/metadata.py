"""The tables of NLBS, in both generations: one row is a picture and what is said about it, or is unknown.

Generations: the older has columns for everything; the newer tells the class by the top folder. A file may
also have one column, in which path and values are glued together. Paths are those of another machine and are
not trusted. Texts of faults name columns and rows, never what stands in them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from epuredgm.core.errors import DataError
from epuredgm.data.cells import cells_of, unusable
from epuredgm.data.mammography import layout
from epuredgm.data.mammography.patients import Asked
from epuredgm.data.mammography.placeholders import is_no_age, is_nobody, is_unknown

COLUMNS = {  # other names of each column, without case, spaces and signs
    "File Path": ("filepath", "path", "imagepath", "filename", "file", "dicompath"),
    "Image Laterality": ("imagelaterality", "laterality", "side", "breastside"),
    "View Position": ("viewposition", "view", "imageview"),
    "Age": ("age", "patientage", "ageyears"),
    "Cancer": ("cancer", "cancerflag", "cancerlabel", "iscancer"),
    "False Positive": ("falsepositive", "fp", "isfalsepositive", "falsepositiveflag"),
}
BY_FOLDER = ("False Positive",)  # the newer generation has no such column: its top folders tell
PATIENTS = (  # names of a column that tells the patient, if there is one
    *(
        "patient",
        "patientid",
        "patientnumber",
        "patientkey",
        "patientname",
        "patientcode",
        "person",
        "personid",
    ),
    *("subject", "subjectid", "participant", "participantid", "client", "clientid", "woman", "womanid"),
)
FLAGS = {
    **dict.fromkeys(("1", "1.0", "true", "t", "yes", "y"), True),
    **dict.fromkeys(("0", "0.0", "false", "f", "no", "n"), False),
}
SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}
VIEWS = {"cc": "CC", "mlo": "MLO"}
AGE = re.compile(r"(\d{1,3}(?:\.\d*)?)y?", re.IGNORECASE)
MAX_AGE = 120
GLUED = re.compile(
    r"[\s,;]*".join(
        (
            r"(?P<path>.+\.dcm)",
            r"(?P<laterality>[LR]?)",
            r"(?P<view>CC|MLO|)",
            r"(?P<age>\d{2,3})",
            r"(?P<cancer>[01])",
            r"(?P<false_positive>[01])",
        )
    ),
    re.IGNORECASE,
)
HINT = f"It needs the columns {', '.join(COLUMNS)} in any order (or one column with all of them glued)."


@dataclass(frozen=True)
class Row:
    """One picture.

    Attributes:
        number: of the row, as a spreadsheet counts.
        path: below the data set's root, checked; None if the path of the file is not usable.
        patient: the exam's folder, or the part of the path that is declared; an identifier, to be hashed
            before it is shown, as ``named`` is.
        laterality: ``L``, ``R`` or None (unknown), as all below.
        view: ``CC`` or ``MLO``.
        age: in years.
        cancer: of the exam, not of this picture.
        false_positive: of the exam.
        reasons: why the row is put aside; empty if it can be used.
        named: the patient by the table's own column.
        above: folders above that of the patient.
        sure: whether the path is declared to tell the patient, or its folders have the known layout.
        placeholders: what stands in the table and means "not known" without saying so.
    """

    number: int
    path: Path | None = field(repr=False)
    patient: str | None = field(repr=False)
    laterality: str | None
    view: str | None
    age: float | None
    cancer: bool | None
    false_positive: bool | None
    reasons: tuple[str, ...] = ()
    named: str | None = field(default=None, repr=False)
    above: tuple[str, ...] = field(default=(), repr=False, compare=False)
    sure: bool = field(default=False, compare=False)
    placeholders: tuple[str, ...] = ()


def read_rows(table: Path, exams_by_class: bool = False, asked: Asked | None = None) -> tuple[Row, ...]:
    """All rows of a table.

    Args:
        table: the CSV file.
        asked: what is declared about patients.
        exams_by_class: whether exams are numbered anew in each class folder, so that equal folders of two
            classes are two patients. By default they are one, which cannot have two classes.

    Raises:
        DataError: if it is no CSV file in UTF-8, or columns are missing.
    """
    asked = asked or Asked()
    lines = cells_of(table, HINT)
    if not lines:
        raise _error(table, ["the table is empty"])
    head = [cell.strip() for cell in lines[0][1]]
    if len(head) == 1:
        start = 0 if GLUED.fullmatch(head[0]) else 1
        if not any(GLUED.fullmatch(cells[0].strip()) for _, cells in lines[start:]):
            raise _error(table, _missing(head))
        given = [_glued(number, cells[0]) for number, cells in lines[start:]]
    else:
        index = _index(table, head)
        given = [_row(number, cells, index, len(head)) for number, cells in lines[1:]]
    named = _patient_column(table, head, asked)
    if named is not None:
        columns = [cells[named].strip() if named < len(cells) else "" for _, cells in lines[1:]]
        given = [
            replace(row, named=None if is_nobody(cell) else cell)
            for row, cell in zip(given, columns, strict=True)
        ]
    if asked.path is not None:
        return _settled([_declared(row, asked) for row in given], False, of_exams=False)
    return _settled(given, exams_by_class)


def _declared(row: Row, asked: Asked) -> Row:
    patient = None if row.path is None else asked.of_path(row.path.as_posix())
    return replace(row, patient=None if is_nobody(patient or "") else patient, above=(), sure=True)


def _patient_column(table: Path, head: Sequence[str], asked: Asked) -> int | None:
    """Where the column of patients stands: the declared one, else the only one that is called so."""
    if asked.column is None:
        places = [place for place, name in enumerate(head) if _plain(name) in PATIENTS]
        return places[0] if len(places) == 1 and len(head) > 1 else None
    wanted = asked.column.strip()
    places = [place for place, name in enumerate(head) if name == wanted] or [
        place for place, name in enumerate(head) if _plain(name) == _plain(wanted)
    ]
    if len(places) == 1 and len(head) > 1:
        return places[0]
    near = "" if places else _near(wanted, head)
    what = f"no column {wanted!r}" if not places else f"more than one column {wanted!r}"
    said = f"{what}, which dataset.reader.patient_column names"
    raise _error(table, [said + (f"; did you mean {near!r}?" if near else "")])


def _near(wanted: str, head: Sequence[str]) -> str:
    """The name that is nearest to the wanted one, in any case; empty if none is near."""
    names = {name.lower(): name for name in head}
    found = difflib.get_close_matches(wanted.lower(), list(names), n=1, cutoff=0.7)
    return names[found[0]] if found else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _column_of(name: str) -> str | None:
    plain = _plain(name)
    return next((column for column, others in COLUMNS.items() if plain in others), None)


def _index(table: Path, head: Sequence[str]) -> dict[str, int]:
    """Where each column stands."""
    found: dict[str, int] = {}
    for place, name in enumerate(head):
        column = _column_of(name)
        if column in found:
            raise _error(table, [f"more than one column can be {column!r}"])
        if column:
            found[column] = place
    if any(column not in found and column not in BY_FOLDER for column in COLUMNS):
        raise _error(table, _missing(head))
    return found


def _missing(head: Sequence[str]) -> list[str]:
    """One line for each missing column, with the nearest name that is there; far names are not shown."""
    there = {_column_of(name) for name in head}
    faults = (
        [] if len(head) > 1 else ["its first row is one cell: commas, semicolons or tabs separate columns"]
    )
    for column in COLUMNS:
        if column not in there and column not in BY_FOLDER:
            near = _near(column, head)
            faults.append(f"no column {column!r}" + (f"; did you mean {near!r}?" if near else ""))
    return faults


def _error(table: Path, faults: list[str]) -> DataError:
    return unusable(table, faults, HINT)


def _row(number: int, cells: Sequence[str], index: dict[str, int], columns: int) -> Row:
    def text(column: str) -> str:
        place = index.get(column, len(cells))
        return cells[place].strip() if place < len(cells) else ""

    row = _made(number, {column: text(column) for column in COLUMNS}, "False Positive" in index)
    # a separator within a cell moves all that follow: what stands in the columns is not what is meant
    return row if not any(map(str.strip, cells[columns:])) else replace(row, reasons=("cells",))


def _glued(number: int, cell: str) -> Row:
    found = GLUED.fullmatch(cell.strip())
    if found is None:
        return Row(number, None, None, None, None, None, None, None, ("glued_unreadable",))
    return _made(number, dict(zip(COLUMNS, found.groups(), strict=True)), True)


def _made(number: int, texts: dict[str, str], older: bool) -> Row:
    """A row of its texts, what its folders say, and how the two agree."""
    reasons: list[str] = []

    def known(column: str, code: str, values: dict[str, str] | dict[str, bool]) -> str | bool | None:
        word = texts[column].lower()
        if is_unknown(word):
            return None
        if word not in values:
            reasons.append(f"{code}_unreadable")
        return values.get(word)

    place, code = layout.place_of(texts["File Path"])
    if code:
        reasons.append(code)
    side, view = known("Image Laterality", "laterality", SIDES), known("View Position", "view", VIEWS)
    cancer, false_positive = (
        known("Cancer", "cancer", FLAGS),
        known("False Positive", "false_positive", FLAGS),
    )
    age = _age(texts["Age"], reasons)
    no_age = is_no_age(texts["Age"]) and not is_unknown(texts["Age"])
    told = layout.told_by(place) if place else layout.NOTHING
    labels = layout.class_labels(told.kind, older, cancer, false_positive)
    cancer, false_positive = labels.cancer, labels.false_positive
    checks = {
        "laterality_conflict": None not in (side, told.laterality) and side != told.laterality,
        "view_conflict": None not in (view, told.view) and view != told.view,
        "class_conflict": labels.conflict,
        "cancer_and_false_positive": bool(cancer and false_positive),
    }
    reasons += [code for code, holds in checks.items() if holds]
    return Row(
        number,
        Path(*place) if place else None,
        told.patient,
        str(side) if side else told.laterality,
        str(view) if view else told.view,
        age,
        cancer,
        false_positive,
        tuple(reasons),
        above=told.above,
        sure=told.sure,
        placeholders=("age",) if no_age else (),
    )


def _age(text: str, reasons: list[str]) -> float | None:
    if is_unknown(text) or is_no_age(text):
        return None
    found = AGE.fullmatch(text)
    if found is None or float(found[1]) > MAX_AGE:
        reasons.append("age_unreadable")
        return None
    return float(found[1])


def _settled(given: list[Row], exams_by_class: bool, of_exams: bool = True) -> tuple[Row, ...]:
    """Rows after looking at all of them: a picture is listed once, and an exam has one class and one age.

    Args:
        given: the rows.
        exams_by_class: see :func:`read_rows`.
        of_exams: whether the patients that the rows name are exams.
    """
    if exams_by_class:
        given = [
            replace(row, patient=f"{layout.told_by(row.path.parts).kind}/{row.patient}")
            if row.path is not None and row.patient is not None
            else row
            for row in given
        ]
    by_path: dict[Path, list[int]] = {}
    for place, row in enumerate(given):
        if row.path is not None:
            by_path.setdefault(row.path, []).append(place)
    more: dict[int, list[str]] = {}
    for places in by_path.values():
        same = len({replace(given[place], number=0) for place in places}) == 1
        for place in places[1:] if same else places:
            more.setdefault(place, []).append("listed_twice" if same else "listed_twice_conflict")
    exams = [row.patient if of_exams and row.sure else None for row in given]
    for place, codes in exam_conflicts(given, exams).items():
        more.setdefault(place, []).extend(codes)
    return tuple(
        replace(row, reasons=(*row.reasons, *more.get(place, ()))) for place, row in enumerate(given)
    )


def exam_conflicts(rows: Sequence[Row], exams: Sequence[str | None]) -> dict[int, list[str]]:
    """Why rows of one exam contradict each other, by the place of the row; it has one class and one age."""
    by_exam: dict[str, list[int]] = {}
    for place, exam in enumerate(exams):
        if exam is not None:
            by_exam.setdefault(exam, []).append(place)
    return {
        place: codes
        for places in by_exam.values()
        if (codes := _conflicts([rows[place] for place in places]))
        for place in places
    }


def _conflicts(rows: Sequence[Row]) -> list[str]:
    found = []
    if any(len({value for value in values if value is not None}) > 1 for values in _flags(rows)):
        found.append("exam_class_conflict")
    ages = [row.age for row in rows if row.age is not None]
    if ages and max(ages) - min(ages) > 1:
        found.append("exam_age_conflict")
    return found


def _flags(rows: Sequence[Row]) -> tuple[list[bool | None], list[bool | None]]:
    return [row.cancer for row in rows], [row.false_positive for row in rows]
