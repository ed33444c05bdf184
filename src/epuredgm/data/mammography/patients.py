"""Whose each picture is: by a column, by a part of the path, or by the header; and whether these agree.

A patient in two splits makes every figure of a study wrong, and nobody sees it. So what is not declared is
guessed, held against all else that names patients, and refused with the key to set where it is not certain.
What is said of it are numbers of rows and patients, never a name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from epuredgm.core.errors import BadRequest, DataError

PATIENT = "{patient}"
FOLDERS = {
    "train",
    "training",
    "val",
    "valid",
    "validation",
    "test",
    "testing",
    "cancer",
    "benign",
    "malignant",
}
MOST = 0.8  # patients a picture above which they are as good as as many; an exam has four views
SHOWN = 5  # rows that a fault names
SEVERAL = 16  # pictures that one patient alone hardly has
Sources = dict[str, list[str | None]]  # names of the rows
COLUMN, PATH, HEADER, GUESS = (
    "the table's column of patients",
    "the path",
    "Patient ID in the headers",
    "the folder that the file lies in",
)
HINT = (
    "Say what names the patient: dataset.reader.patient_column=NAME (a column of the table), "
    "'dataset.reader.patient_path=\"{patient}/**\"' (a part of the path, here the top folder), or "
    "dataset.reader.patient_header=true (the headers are right) or =false (it names no patient). "
    "docs/data.md says more under Patients."
)


@dataclass(frozen=True)
class Asked:
    """What a data set's settings say about its patients; None where they do not.

    Attributes:
        column: of the table.
        path: pattern of paths below the root: ``{patient}`` and ``*`` stand for a part of a name, ``**`` for
            any number of folders too; where ``{patient}`` is there twice, both tell.
        header: whether Patient ID names the patient; None: it is held against the others.
        single: whether most patients have one picture.

    Raises:
        BadRequest: if the pattern is none.
    """

    column: str | None = None
    path: str | None = None
    header: bool | None = None
    single: bool = False

    def __post_init__(self) -> None:
        if self.path is not None and PATIENT not in self.path:
            raise BadRequest(
                "dataset.reader.patient_path does not say which part of a path is the patient's",
                "Write for example '{patient}/**' (the top folder) or '**/{patient}_*' (a start of names).",
            )
        if self.header is True and (self.column is not None or self.path is not None):
            raise BadRequest(
                "dataset.reader.patient_header is true, and a column or a part of the path is declared too",
                "Keep the one that is right; patient_header=null holds Patient ID against it.",
            )

    def of_path(self, place: str) -> str | None:
        """The patient's part of a path below the root; None if the pattern does not fit."""
        found = re.fullmatch(_expression(self.path or PATIENT), place)
        return "/".join(found.groups()) if found else None


def _expression(pattern: str) -> str:
    parts = {PATIENT: "([^/]+?)", "**": ".*?", "*": "[^/]*?"}
    return "".join(
        parts.get(part, re.escape(part)) for part in re.split(r"(\{patient\}|\*\*|\*)", pattern) if part
    )


@dataclass(frozen=True)
class Named:
    """What names the patient of one row; None where it does not.

    Attributes:
        row: number in the table.
        column: cell of the declared column, or of one that is called so.
        path: the part of the path that is declared, or that the folders tell.
        above: folders above it.
        sure: whether the path is declared, or its folders have the known layout.
        header: keyed name of Patient ID.
        used: whether its picture is; it is not if it was put aside.
    """

    row: int
    column: str | None = field(default=None, repr=False)
    path: str | None = field(default=None, repr=False)
    above: tuple[str, ...] = field(default=(), repr=False)
    sure: bool = False
    header: str | None = None
    used: bool = True


@dataclass(frozen=True)
class Chosen:
    """Whose each row is.

    Attributes:
        source: what told it.
        names: one a row that is used, None if unknown.
    """

    source: str
    names: tuple[str | None, ...] = field(repr=False)


class UncertainPatients(DataError):
    """It is not certain whose the pictures are."""


def patients_of(rows: Sequence[Named], asked: Asked, dataset: str) -> Chosen:
    """The patient of every row, by the first source that is declared, else by the first that is certain.

    Args:
        rows: those whose pictures are used, and others, which only count.
        asked: what is declared.
        dataset: its name.

    Raises:
        UncertainPatients: if two sources disagree, or there are as many patients as pictures.
    """
    used = [row for row in rows if row.used]
    sources = _sources(used, asked)
    source = _first(sources, asked)
    # pictures that are put aside leave patients with fewer, and are counted with the others
    every = {COLUMN: "column", HEADER: "header"}.get(source, "path")
    faults = _faults(source, sources, used, asked)
    faults = faults or _counted(source, [getattr(row, every) for row in rows], asked)
    if faults:
        raise UncertainPatients(
            f"data set {dataset}: it is not certain which picture is of which patient", faults, HINT
        )
    return Chosen(source, tuple(sources[source]))


def _sources(rows: Sequence[Named], asked: Asked) -> Sources:
    """The names by source; a source that nobody declared and that has one name for all is none."""
    sources: Sources = {
        COLUMN: [row.column for row in rows],
        PATH: [row.path if row.sure else None for row in rows],
        HEADER: [row.header for row in rows],
        GUESS: [row.path for row in rows],
    }
    declared = {COLUMN: asked.column is not None, HEADER: bool(asked.header)}
    for source, is_declared in declared.items():
        if not is_declared and _constant(sources[source]) and not _constant(sources[GUESS]):
            sources[source] = [None] * len(rows)
    if asked.header is False:
        sources[HEADER] = [None] * len(rows)
    return sources


def _first(sources: Sources, asked: Asked) -> str:
    if asked.header:
        return HEADER
    if asked.column is not None or (any(sources[COLUMN]) and asked.path is None):
        return COLUMN
    if asked.path is not None or any(sources[PATH]):
        return PATH if asked.path is not None or all(sources[PATH]) else GUESS
    return HEADER if all(sources[HEADER]) and any(sources[HEADER]) else GUESS


def _faults(source: str, sources: Sources, rows: Sequence[Named], asked: Asked) -> list[str]:
    """Where other sources contradict the one that is taken."""
    names = sources[source]
    if rows and not any(names):
        return [f"{source} names no patient in any of {len(rows)} rows"]
    others = []
    if source == COLUMN and (asked.path is not None or asked.column is None):
        others.append(PATH)
    if source != HEADER:
        others.append(HEADER)
    elif not asked.header:
        return _of_folders(rows, names)
    faults = [fault for other in others for fault in _disagreement(source, other, sources, rows)]
    compared = any(sources[HEADER])
    if not faults and not compared and source in (PATH, GUESS) and asked.path is None:
        return _of_levels(rows, names)
    return faults


def _disagreement(one: str, other: str, sources: Sources, rows: Sequence[Named]) -> list[str]:
    """Where one patient of a source is several of the other, both ways."""
    faults = []
    for first, second in ((one, other), (other, one)):
        split = _split(sources[first], sources[second])
        if split:
            mine = [row.row for row, name in zip(rows, sources[first], strict=True) if name in split]
            faults.append(
                f"{_many(len(split), 'patient')} by {first} {'is' if len(split) == 1 else 'are'} several by "
                f"{second} ({_rows(mine)})"
            )
    return faults


def _split(names: Sequence[Hashable], others: Sequence[Hashable]) -> set[Hashable]:
    """The names that stand beside more than one of the others; None is no name."""
    beside: dict[Hashable, set[Hashable]] = {}
    for name, other in zip(names, others, strict=True):
        if name is not None and other is not None:
            beside.setdefault(name, set()).add(other)
    return {name for name, found in beside.items() if len(found) > 1}


def _of_folders(rows: Sequence[Named], names: Sequence[str | None]) -> list[str]:
    """Why the header, which nobody declared, is not taken: folders divide its patients, and none is one.

    Folders that hold several patients each (hospitals, splits) say nothing against it.
    """
    levels = _levels(rows)
    if any(not _split(level, names) and not _split(names, level) for level in levels):
        return []
    divided = [level for level in levels if _split(names, level)]
    if not divided:
        return []
    split = _split(names, divided[0])
    mine = [row.row for row, name in zip(rows, names, strict=True) if name in split]
    return [
        f"{_many(len(split), 'patient')} by {HEADER} lie in several folders, and no folder is one patient's "
        f"({_rows(mine)})"
    ]


def _of_levels(rows: Sequence[Named], names: Sequence[str | None]) -> list[str]:
    """Why a folder is not taken for the patient's: another one above it may be."""
    for level in _levels(rows)[:-1]:
        kinds = set(level)
        if {str(kind[-1]).lower() for kind in kinds if isinstance(kind, tuple)} <= FOLDERS:
            continue
        if len(kinds) > 1 and (_split(level, names) or _split(names, level)):
            return [
                f"{_many(len(set(names)), 'folder')} could each be one patient's, and so could the "
                f"{len(kinds)} above them; nothing else names the patients"
            ]
    return []


def _levels(rows: Sequence[Named]) -> list[list[Hashable]]:
    """The folders of every row down to the patient's, a list a level; None where there is none."""
    folders = [(*row.above, *([row.path] if row.path else [])) for row in rows]
    depth = max((len(found) for found in folders), default=0)
    return [
        [found[: level + 1] if len(found) > level else None for found in folders] for level in range(depth)
    ]


def _counted(source: str, names: Sequence[str | None], asked: Asked) -> list[str]:
    """Whether there are about as many patients as pictures, or all pictures are one patient's."""
    known = [name for name in names if name is not None]
    patients = Counter(known)
    if len(patients) > MOST * len(known) and len(known) > 1 and not asked.single:
        pictures, people = _many(len(known), "picture"), _many(len(patients), "patient")
        return [
            f"by {source} {pictures} are of {people}, as where a folder is taken for a patient that "
            "is none; if most patients have one picture, dataset.reader.patient_single=true"
        ]
    if len(patients) == 1 and len(known) > SEVERAL:
        return [f"by {source} all {len(known)} pictures are of one patient"]
    return []


def _constant(names: Sequence[str | None]) -> bool:
    return len({name for name in names if name is not None}) == 1


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _rows(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:SHOWN])
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"row{'' if len(numbers) == 1 else 's'} {shown}{more}"
