"""From what every file gave to a data set: what is used, what is not and why, and who is in which split."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.mammography.identity import Secret
from epuredgm.data.mammography.intake import Item, Taken
from epuredgm.data.mammography.metadata import exam_conflicts
from epuredgm.data.mammography.patients import COLUMN, GUESS, HEADER, Asked, Named, patients_of
from epuredgm.data.mammography.reading import shared_pictures
from epuredgm.data.mammography.splits import Stratum, split, stratum

SHARED = "shared_picture"
NO_PATIENT = "patient_unknown"
YES_NO = {True: "yes", False: "no", None: ""}
AGES = {-1: "age unknown", 0: "under 50", 1: "50-59", 2: "60-69", 3: "70 and over"}


@dataclass(frozen=True)
class Kept:
    """One picture of the data set, or one patch."""

    taken: Taken
    item: Item
    number: int

    @property
    def name(self) -> str:
        """Unique: the file's keyed name, and the patch's number if there are several."""
        return self.item.name if len(self.taken.foreground) == 1 else f"{self.item.name}-{self.number:03d}"


def under_patients(
    items: Sequence[Item], taken: Sequence[Taken], asked: Asked, dataset: str, secret: Secret
) -> tuple[list[Item], list[Taken]]:
    """The items under the keyed names of their patients, and what the files gave, for those that have one.

    Args:
        items: the rows.
        taken: what each gave; the rows alone count before any is read.
        asked: what is declared about patients.
        dataset: its name.
        secret: of the keyed names.

    Raises:
        UncertainPatients: if it is not certain whose the pictures are.
    """
    places = [place for place, one in enumerate(taken) if not one.reasons]
    rows = [_named(item, one) for item, one in zip(items, taken, strict=True)]
    chosen = patients_of(rows, asked, dataset)

    def key(item: Item, one: Taken) -> str:
        if chosen.source == HEADER:
            return one.person
        name = item.row.named if chosen.source == COLUMN else item.row.patient
        return "" if name is None else secret.patient(dataset, name)

    named = [replace(item, patient=key(item, one)) for item, one in zip(items, taken, strict=True)]
    conflicts: dict[int, list[str]] = {}
    if chosen.source == GUESS:  # the rows of a folder that is known to be an exam's were compared before
        conflicts = exam_conflicts([items[place].row for place in places], chosen.names)
    found = list(taken)
    for number, (place, name) in enumerate(zip(places, chosen.names, strict=True)):
        reasons = (NO_PATIENT,) if name is None else tuple(conflicts.get(number, ()))
        found[place] = replace(taken[place], reasons=reasons)
    return named, found


def _named(item: Item, one: Taken) -> Named:
    row = item.row
    person = one.person or None
    return Named(row.number, row.named, row.patient, row.above, row.sure, person, not one.reasons)


def without_shared(items: Sequence[Item], taken: Sequence[Taken]) -> list[Taken]:
    """What the files gave, after those whose picture is also another patient's are put aside."""
    owners = {item.name: item.patient for item in items}
    pictures = {one.name: one.picture for one in taken if one.picture and owners[one.name]}
    shared = shared_pictures(pictures, owners)
    return [replace(one, reasons=(*one.reasons, SHARED)) if one.name in shared else one for one in taken]


def strata_of(items: Sequence[Item], taken: Sequence[Taken]) -> dict[str, Stratum]:
    """The stratum of every patient with a picture that is used, by keyed name."""
    by_patient: dict[str, list[Taken]] = {}
    for item, one in zip(items, taken, strict=True):
        if not one.reasons:
            by_patient.setdefault(item.patient, []).append(one)
    found = {}
    for patient, files in by_patient.items():
        ages = [one.labels.age for one in files if one.labels.age is not None]
        views = {(one.labels.laterality, one.labels.view) for one in files}
        cancer = _any([one.labels.cancer for one in files])  # of one exam they are equal, of several not
        false_positive = _any([one.labels.false_positive for one in files])
        found[patient] = stratum(cancer, false_positive, min(ages) if ages else None, len(views))
    return found


def _any(flags: Sequence[bool | None]) -> bool | None:
    return True if True in flags else None if None in flags else False


def table_of(
    items: Sequence[Item], taken: Sequence[Taken], secret: Secret, seed: int
) -> dict[str, NDArray[Any]]:
    """The columns of the data set, one row a picture: keyed names, split, labels, scale."""
    strata = strata_of(items, taken)
    splits = split(strata, secret, seed)
    kept = [
        Kept(one, item, number)
        for item, one in zip(items, taken, strict=True)
        if not one.reasons
        for number in range(len(one.foreground))
    ]
    labels = [one.taken.labels for one in kept]
    texts = {
        "ids": [one.name for one in kept],
        "patient": [one.item.patient for one in kept],
        "split": [splits[one.item.patient] for one in kept],
        "stratum": [_text(strata[one.item.patient]) for one in kept],
        "view": [one.view or "" for one in labels],
        "laterality": [one.laterality or "" for one in labels],
        "cancer": [YES_NO[one.cancer] for one in labels],
        "false_positive": [YES_NO[one.false_positive] for one in labels],
        "density": [one.item.density or "" for one in kept],
        "intent": [one.taken.intent for one in kept],
    }
    numbers = {
        "age": [np.nan if one.age is None else one.age for one in labels],
        "mm_per_pixel": [
            np.nan if one.taken.mm_per_pixel is None else one.taken.mm_per_pixel for one in kept
        ],
        "foreground": [one.taken.foreground[one.number] for one in kept],
    }
    return {
        **{name: np.array(column, dtype=np.str_) for name, column in texts.items()},
        **{name: np.array(column, dtype=np.float64) for name, column in numbers.items()},
    }


def quarantine_of(items: Sequence[Item], taken: Sequence[Taken]) -> tuple[str, dict[str, int]]:
    """The list of what is put aside as CSV, and how many files each reason holds for."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["picture", "patient", "table_row", "reasons"])
    counts: Counter[str] = Counter()
    for item, one in zip(items, taken, strict=True):
        if one.reasons:
            reasons = list(dict.fromkeys(one.reasons))
            counts.update(reasons)
            writer.writerow([one.name, item.patient, item.row.number, ";".join(reasons)])
    return text.getvalue(), dict(sorted(counts.items()))


def placeholders_of(taken: Sequence[Taken]) -> dict[str, int]:
    """In how many files that are used the age, say, is a value that means "not known"."""
    counts = Counter(what for one in taken if not one.reasons for what in one.placeholders)
    return dict(sorted(counts.items()))


def account_of(table: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Pictures and patients by split, class, stratum and view, in numbers."""
    patients = dict(
        zip(table["patient"].tolist(), zip(table["split"], table["stratum"], strict=True), strict=True)
    )
    by_stratum: dict[str, Counter[str]] = {}
    for split_name, kind in patients.values():
        by_stratum.setdefault(str(kind), Counter())[str(split_name)] += 1
    return {
        "pictures": _counts(table["split"]),
        "patients": dict(sorted(Counter(str(name) for name, _ in patients.values()).items())),
        "patients by stratum": {kind: dict(sorted(c.items())) for kind, c in sorted(by_stratum.items())},
        **{
            f"pictures by {name}": {
                part: _counts(table[name][table["split"] == part]) for part in _counts(table["split"])
            }
            for name in ("cancer", "false_positive", "view", "laterality", "density")
        },
    }


def _counts(column: NDArray[Any]) -> dict[str, int]:
    names, counts = np.unique(column, return_counts=True)
    return {str(n) or "unknown": int(c) for n, c in zip(names, counts, strict=True)}


def _text(kind: Stratum) -> str:
    return f"{kind.kind}, {AGES[kind.age]}, {'all views' if kind.complete else 'views missing'}"
