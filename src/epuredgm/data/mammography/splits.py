"""Patients by purpose: train, validation and test; stratified, by keyed hashes, stable when some are added.

Within a stratum patients stand in the order of a keyed hash and the shares are cut off. So the split depends
on neither the order of rows nor on names, and a patient's place changes only if it lies at a cut. Those who
have a place already keep it: pass the split that was saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from epuredgm.core.errors import BadRequest
from epuredgm.data.mammography.identity import Secret

SHARES = {"train": 0.70, "validation": 0.15, "test": 0.15}
AGE_BANDS = (50, 60, 70)  # lower limits of the bands above the first
VIEWS_OF_EXAM = 4


@dataclass(frozen=True, order=True)
class Stratum:
    """What patients of all splits should have alike.

    Attributes:
        kind: ``cancer``, ``false positive``, ``normal`` or ``unknown``.
        age: number of the band, or -1 if unknown.
        complete: whether all four views are there.
    """

    kind: str
    age: int
    complete: bool


def stratum(cancer: bool | None, false_positive: bool | None, age: float | None, views: int) -> Stratum:
    """The stratum of a patient.

    Args:
        cancer, false_positive: of the exam; None if unknown.
        age: in years.
        views: how many different views are there, of four.
    """
    if cancer:
        kind = "cancer"
    elif false_positive:
        kind = "false positive"
    else:
        kind = "unknown" if None in (cancer, false_positive) else "normal"
    band = -1 if age is None else sum(age >= limit for limit in AGE_BANDS)
    return Stratum(kind, band, views >= VIEWS_OF_EXAM)


def split(
    patients: Mapping[str, Stratum],
    secret: Secret,
    seed: int,
    kept: Mapping[str, str] | None = None,
    shares: Mapping[str, float] = SHARES,
) -> dict[str, str]:
    """The split of every patient.

    Args:
        patients: the stratum of each, by keyed hash.
        secret: of the hashes.
        seed: another seed gives another split.
        kept: places of patients that were split before; they stay.
        shares: of the splits, in order; their sum is 1.

    Returns:
        The name of the split by patient, sorted by patient. Over the first strata, however many, the number
        in each split is within one of its share (unless patients that keep their place prevent it).

    Raises:
        BadRequest: if the shares do not sum to 1, or a kept place is not one of the splits.
    """
    if abs(sum(shares.values()) - 1.0) > 1e-9 or min(shares.values()) < 0:
        raise BadRequest("the shares of the splits do not sum to 1", "Write for example 0.7, 0.15 and 0.15.")
    placed = {patient: name for patient, name in (kept or {}).items() if patient in patients}
    if not set(placed.values()) <= set(shares):
        raise BadRequest(
            "the saved split has a name that is not one of the splits", "Remove the saved split."
        )
    by_stratum: dict[Stratum, list[str]] = {}
    for patient, kind in patients.items():
        by_stratum.setdefault(kind, []).append(patient)
    filled: Counter[str] = Counter()
    seen = 0
    for kind in sorted(by_stratum):
        members = by_stratum[kind]
        seen += len(members)
        filled.update(placed[patient] for patient in members if patient in placed)
        new = sorted(
            (patient for patient in members if patient not in placed),
            key=lambda patient: (secret.score("split", seed, patient), patient),
        )
        free = _free(filled, seen, len(new), shares)
        for name, count in free.items():
            placed.update(dict.fromkeys(new[:count], name))
            new = new[count:]
        filled.update(free)
    return dict(sorted(placed.items()))


def _free(filled: Mapping[str, int], seen: int, new: int, shares: Mapping[str, float]) -> Counter[str]:
    """How many of ``new`` patients go to each split, so that ``seen`` are shared out as evenly as can be.

    Each place goes to the split that lacks most of its share; this is the rule of largest remainders, and
    with kept places the nearest to it.
    """
    free: Counter[str] = Counter(dict.fromkeys(shares, 0))
    lacks = {name: share * seen - filled.get(name, 0) for name, share in shares.items()}
    for name, lack in lacks.items():
        free[name] = max(0, min(int(lack), new - free.total()))
    while free.total() < new:
        free[max(shares, key=lambda name: lacks[name] - free[name])] += 1
    return free
