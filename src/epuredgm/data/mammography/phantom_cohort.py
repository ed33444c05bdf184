"""Who is in a phantom data set: its patients, their findings, which views were taken, missed or repeated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from epuredgm.core.errors import BadRequest
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_lesions import Finding
from epuredgm.data.mammography.phantom_patient import SIDES, VIEWS, Patient, Side, View, draw_patient, stream

SLOTS: tuple[tuple[Side, View], ...] = tuple((side, view) for side in SIDES for view in VIEWS)
NORMAL, CANCER, FALSE_POSITIVE = "normal", "abnormal", "False Positive"  # as the real data call the folders


@dataclass(frozen=True)
class Size:
    """How large a phantom data set is, and how often what occurs. Rates are met exactly, up to rounding.

    Attributes:
        patients: how many.
        grid: rows, columns and size of pixels.
        cancer: share of patients with a malignant mass in one breast.
        false_positive: share of the patients with a benign mass in one breast, recalled for it.
        missing: share of patients who miss one view.
        repeats: share of view slots that were taken twice.
        slots: which views are taken.
    """

    patients: int
    grid: Grid
    cancer: float = 0.025
    false_positive: float = 0.25
    missing: float = 0.015
    repeats: float = 0.12
    slots: tuple[tuple[Side, View], ...] = SLOTS


SIZES = {
    "tiny": Size(24, Grid(160, 128, 1.6), cancer=0.12, missing=0.04),
    "small": Size(200, Grid(320, 256, 0.8)),
    "full": Size(
        1, Grid(3062, 2394, 0.1), 0.0, 0.0, 0.0, 0.0, (("L", "CC"), ("L", "MLO"))
    ),  # for speed tests
}


@dataclass(frozen=True)
class Member:
    """One patient of the data set.

    Attributes:
        patient: who.
        findings: none or one.
        views: side, view and take of each exposure; takes above 0 are repeats.
    """

    patient: Patient
    findings: tuple[Finding, ...]
    views: tuple[tuple[Side, View, int], ...]

    @property
    def group(self) -> str:
        """Name of the class folder: that of the exam, not of the breast."""
        kinds = {finding.kind for finding in self.findings}
        return CANCER if "malignant" in kinds else FALSE_POSITIVE if kinds else NORMAL


def size_of(name: str | Size) -> Size:
    """A size by name.

    Raises:
        BadRequest: if there is none.
    """
    if isinstance(name, Size):
        return name
    if name not in SIZES:
        raise BadRequest(f"there is no phantom of size {name!r}", f"Choose one of: {', '.join(SIZES)}")
    return SIZES[name]


def draw_cohort(size: Size, root: int) -> tuple[Member, ...]:
    """The patients of the seed ``root``, in order of their numbers 1, 2, ...

    Who has what depends on the size; what a patient looks like does not.
    """
    count, slots = size.patients, len(size.slots)
    rng = stream(root, "cohort", count)
    n_cancer, n_positive = round(size.cancer * count), round(size.false_positive * count)
    order = rng.permutation(count)
    cancer, positive = set(order[:n_cancer]), set(order[n_cancer : n_cancer + n_positive])
    taken = np.ones((count, slots), dtype=np.int64)
    missing = rng.choice(count, round(size.missing * count), replace=False)
    taken[missing, rng.integers(0, slots, len(missing))] = 0
    there = np.flatnonzero(taken)
    taken.flat[rng.choice(there, round(size.repeats * len(there)), replace=False)] = 2
    sides = rng.integers(0, 2, count)
    members = []
    for index in range(count):
        side = SIDES[sides[index]]
        findings: tuple[Finding, ...] = ()
        if index in cancer:
            findings = (Finding("malignant", side),)
        elif index in positive:
            findings = (Finding("benign", side),)
        views = tuple(
            (*slot, take)
            for slot, takes in zip(size.slots, taken[index], strict=True)
            for take in range(takes)
        )
        members.append(Member(draw_patient(root, index + 1), findings, views))
    return tuple(members)
