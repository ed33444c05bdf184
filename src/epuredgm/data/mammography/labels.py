"""What is known about a picture from all sides: header, table, folders and the picture itself.

Where one is silent the other counts; where two speak and differ, the picture is put aside.
"""

from __future__ import annotations

from dataclasses import dataclass

from epuredgm.data.mammography.breast import Breast
from epuredgm.data.mammography.mammogram import Mammogram
from epuredgm.data.mammography.metadata import Row

AGE_TOLERANCE = 1.0  # years: a birthday lies between two ways to count


@dataclass(frozen=True)
class Labels:
    """Conditions of a picture, each None if unknown; cancer and false positive are those of the exam."""

    view: str | None
    laterality: str | None
    age: float | None
    cancer: bool | None
    false_positive: bool | None


def agreed(row: Row, mammogram: Mammogram, breast: Breast) -> tuple[Labels, tuple[str, ...]]:
    """The labels of a picture, and why it is put aside; no reasons if all agree.

    Args:
        row: table and folders.
        mammogram: the header.
        breast: the picture.
    """
    reasons = [*row.reasons]
    if None not in (row.view, mammogram.view) and row.view != mammogram.view:
        reasons.append("header_view_conflict")
    if None not in (row.laterality, mammogram.laterality) and row.laterality != mammogram.laterality:
        reasons.append("header_laterality_conflict")
    if row.age is not None and mammogram.age is not None and abs(row.age - mammogram.age) > AGE_TOLERANCE:
        reasons.append("header_age_conflict")
    laterality = row.laterality or mammogram.laterality
    reasons.extend(breast.doubts(laterality))
    age = mammogram.age if row.age is None else row.age
    return Labels(row.view or mammogram.view, laterality, age, row.cancer, row.false_positive), tuple(reasons)
