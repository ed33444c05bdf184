"""One file of the table: read, held against the table and the gate, and cut; or why it is put aside.

What comes out names nobody: keyed names, codes, labels, pixels. Pixels of a file that the gate refuses are
dropped at once, unless somebody has decided to let it in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.spec import OLDEST
from epuredgm.data.mammography.cutting import Cutting, cut_breast
from epuredgm.data.mammography.faults import Unreadable
from epuredgm.data.mammography.findings import Finding
from epuredgm.data.mammography.labels import Labels, agreed
from epuredgm.data.mammography.layout import below
from epuredgm.data.mammography.levels import Levels, levels_of
from epuredgm.data.mammography.metadata import Row
from epuredgm.data.mammography.placeholders import is_placeholder
from epuredgm.data.mammography.reading import examine

TOO_LITTLE = "too_little_breast"
UNKNOWN = Labels(None, None, None, None, None)


@dataclass(frozen=True)
class Item:
    """A row of the table under its keyed names.

    Attributes:
        name: of the picture.
        patient: whose it is, as far as the table tells; empty if unknown.
        row: what the table says; not shown.
        density: class of the breast's density, if a table has it.
    """

    name: str
    patient: str
    row: Row = field(repr=False)
    density: str | None = None

    @property
    def unusable(self) -> tuple[str, ...]:
        """Why the file need not be opened; empty if it must."""
        return self.row.reasons


@dataclass(frozen=True)
class Taken:
    """What a file gave; JSON-ready but for its pictures.

    Attributes:
        name: the picture's keyed name.
        reasons: why it is put aside; empty if it is used.
        findings: of the gate.
        content: SHA-256 of the file; empty if it could not be read.
        picture: SHA-256 of its pixels; empty likewise.
        labels: conditions that are known.
        mm_per_pixel: of the pictures.
        foreground: of each picture.
        intent: ``presentation`` or ``processing``.
        person: keyed name of the header's Patient ID; empty if it names nobody, or the gate refuses the file.
        placeholders: what header or table have a value for that means "not known".
        levels: how much of the range of grey levels the breast fills.
    """

    name: str
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    content: str = ""
    picture: str = ""
    labels: Labels = UNKNOWN
    mm_per_pixel: float | None = None
    foreground: tuple[float, ...] = ()
    intent: str = ""
    person: str = ""
    placeholders: tuple[str, ...] = ()
    levels: Levels | None = None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form; :meth:`from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Taken:
        """The inverse of :meth:`to_dict`."""
        return cls(
            **{
                **content,
                "reasons": tuple(content["reasons"]),
                "findings": tuple(Finding(**found) for found in content["findings"]),
                "labels": Labels(**content["labels"]),
                "foreground": tuple(content["foreground"]),
                "placeholders": tuple(content["placeholders"]),
                "levels": None if content["levels"] is None else Levels(**content["levels"]),
            }
        )


@dataclass(frozen=True)
class Rules:
    """How files are read, beside their cutting.

    Attributes:
        admitted: whether files that the gate refuses are let in.
        bits: bits in use, where files have room for more; None for all that they say.
        person: the keyed name of a patient's number; None if nobody asks.
    """

    admitted: bool = False
    bits: int | None = None
    person: Callable[[str], str] | None = field(default=None, repr=False)


PLAIN = Rules()


def take(item: Item, root: Path, how: Cutting, rules: Rules = PLAIN) -> tuple[Taken, NDArray[np.uint16]]:
    """Read one file; never raises for what is in it.

    Args:
        item: the row.
        root: of the data set.
        how: pictures are cut.
        rules: the other settings.

    Returns:
        What it gave, and its pictures (M, 1, S, S); none if it is put aside or refused.
    """
    nothing = np.empty((0, 1, *how.size), np.uint16)
    if item.unusable or item.row.path is None:
        return Taken(item.name, item.unusable), nothing
    try:
        seen = examine(below(root, item.row.path), bits=rules.bits)
    except Unreadable as fault:
        return Taken(item.name, (fault.code,)), nothing
    labels, reasons = agreed(item.row, seen.mammogram, seen.breast)
    findings = (*seen.findings, *_old(item.row))
    let_in = rules.admitted or not findings
    facts = Taken(
        item.name,
        reasons,
        findings,
        seen.content,
        seen.picture,
        labels,
        intent=seen.mammogram.origin.intent,
        person=_keyed(seen.person, rules) if let_in else "",
        placeholders=tuple(sorted({*seen.mammogram.placeholders, *item.row.placeholders})),
    )
    if reasons or not let_in:
        return facts, nothing
    cut = cut_breast(seen.mammogram, seen.breast, how, item.name)
    told = {
        "reasons": () if cut.foreground else (TOO_LITTLE,),
        "mm_per_pixel": cut.mm_per_pixel,
        "foreground": cut.foreground,
        "levels": levels_of(seen.mammogram, seen.breast),
    }
    return Taken(**{**vars(facts), **told}), cut.pictures


def _keyed(person: str, rules: Rules) -> str:
    return "" if rules.person is None or is_placeholder(person) else rules.person(person)


def _old(row: Row) -> tuple[Finding, ...]:
    """An age in the table identifies as one in the header does."""
    if row.age is not None and int(row.age) > OLDEST:
        return (Finding("", "Age", f"an age over {OLDEST} in the table"),)
    return ()
