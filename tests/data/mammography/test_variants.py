"""Every awkward variant, one by one, through the reading side: used, put aside for its reason, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from epuredgm.data.mammography.assembly import without_shared
from epuredgm.data.mammography.cutting import Cutting
from epuredgm.data.mammography.intake import Item, Taken, take
from epuredgm.data.mammography.metadata import Row
from epuredgm.data.mammography.phantom import Exposure
from epuredgm.data.mammography.phantom_variants import VARIANTS, base_exposure

TWIN = "duplicate_of_another_patient"
PUT_ASIDE = {
    "laterality_conflict": ("header_laterality_conflict", "side"),
    "truncated": ("truncated",),
    "random_bytes": ("not_dicom",),
    "wrong_modality": ("modality",),
    "implant": ("implant",),
    TWIN: ("shared_picture",),
}
REFUSED = {
    "burned_in_label": {"bright things outside the breast look like text"},
    "burned_in_breast": {"things over the breast look like text"},
    "burned_in_declared": {"is not NO", "a value that is not one of those expected"},
    "overlay_group": {"an overlay"},
    "private_tag": {"a private element"},
    "age_over_89": {"an age over 89"},
    "not_deidentified": {"is not YES", "the basic profile of PS3.15 is not named (113100)"},
    "telling_header": {
        "a person's name",
        "a patient's number",
        "a date of birth",
        "a date or time",
        "an institution",
        "a physician",
        "an accession number",
        "a device's serial number",
        "free text",
    },
}
HOW = Cutting((64, 64), 0.02)


@pytest.fixture(scope="module")
def base() -> Exposure:
    return base_exposure()


def taken(name: str, base: Exposure, folder: Path) -> tuple[Taken, int]:
    """What a variant gives, beside the plain one of another patient, and how many pictures."""
    items = []
    for patient, variant in (("p", "presentation_12"), ("q", name)):
        path = Path(f"{patient}.dcm")
        (folder / path).write_bytes(VARIANTS[variant].content(base, variant))
        side = VARIANTS[variant].laterality
        items.append(Item(patient, patient, Row(2, path, patient, side, None, None, None, None)))
    (plain, _), (found, pictures) = (take(item, folder, HOW) for item in items)
    facts = [plain, found]
    return (without_shared(items, facts)[1] if name == TWIN else found), len(pictures)


def test_each_has_an_outcome_here() -> None:
    outcomes = {name: variant.outcome for name, variant in VARIANTS.items()}
    assert {name for name, outcome in outcomes.items() if outcome == "quarantined"} == set(PUT_ASIDE)
    assert {name for name, outcome in outcomes.items() if outcome == "refused"} == set(REFUSED)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant(name: str, base: Exposure, tmp_path: Path) -> None:
    found, pictures = taken(name, base, tmp_path)
    assert found.reasons == PUT_ASIDE.get(name, ())
    assert {finding.reason for finding in found.findings} == REFUSED.get(name, set())
    assert pictures == (0 if name in {*REFUSED, *PUT_ASIDE} - {TWIN} else 1)
