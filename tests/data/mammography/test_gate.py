"""The gate fails closed, says which element and why, and never what stands in it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from dicom_makers import breast, coded, made, mammogram
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from epuredgm.core.errors import BadRequest, CorruptArtefact, DataError
from epuredgm.data.mammography import audit
from epuredgm.data.mammography.breast import find_breast
from epuredgm.data.mammography.burned_in import inspect_pixels
from epuredgm.data.mammography.deidentification import inspect
from epuredgm.data.mammography.findings import Finding, Override, admit
from epuredgm.data.mammography.header import parse

PLANTED = "Xyzzy"
NESTED = Dataset()
NESTED.CodeValue, NESTED.CodingSchemeDesignator, NESTED.CodeMeaning = "399162004", "SCT", f"seen by {PLANTED}"

HIDING = Dataset()
HIDING.PatientName, HIDING.PixelData = f"{PLANTED}^Jane", f"{PLANTED}!".encode()
HIDING["PixelData"].VR = "OW"
HIDING.add_new(0x00111001, "LO", PLANTED)


def findings(content: bytes) -> tuple[Finding, ...]:
    found = inspect(parse(content))
    assert all(PLANTED not in str(finding) for finding in found)
    return found


def with_element(tag: int, representation: str, value: object) -> bytes:
    def change(dataset: FileDataset) -> None:
        dataset.add_new(tag, representation, value)

    return made(change)


def test_a_de_identified_mammogram_is_let_in() -> None:
    for side in "LR":
        for view in ("CC", "MLO"):
            assert findings(made(side=side, view=view)) == ()
    assert findings(made(implicit=True, photometric="MONOCHROME1", bits=14)) == ()


@pytest.mark.parametrize(
    ("tag", "representation", "value", "reason"),
    [
        (0x00100010, "PN", f"{PLANTED}^Jane", "person's name"),
        (0x00100020, "LO", "8675309999", "patient's number"),
        (0x00100030, "DA", "19500101", "date of birth"),
        (0x00080020, "DA", "20100101", "date"),
        (0x00080030, "TM", "101112", "time"),
        (0x00080080, "LO", f"{PLANTED} Hospital", "institution"),
        (0x00080081, "ST", PLANTED, "institution"),
        (0x00080090, "PN", PLANTED, "physician"),
        (0x00081050, "PN", PLANTED, "physician"),
        (0x00081070, "PN", PLANTED, "name"),
        (0x00080050, "SH", PLANTED, "accession"),
        (0x00181000, "LO", PLANTED, "serial"),
        (0x00081010, "SH", PLANTED, "device"),
        (0x00104000, "LT", PLANTED, "free text"),
        (0x0008103E, "LO", PLANTED, "free text"),
        (0x00204000, "LT", PLANTED, "free text"),
        (0x00101040, "LO", PLANTED, "free text"),
        (0x00081090, "LO", PLANTED, "free text"),
        (0x00080070, "LO", PLANTED, "free text"),
        (0x00101010, "AS", "090Y", "age over 89"),
        (0x00280301, "CS", "YES", "is not NO"),
        (0x00120062, "CS", "NO", "is not YES"),
        (0x00091001, "LO", PLANTED, "private"),
        (0x00090010, "LO", PLANTED, "private"),
        (0x60003000, "OW", b"\0\0", "overlay"),
        (0x60020010, "US", 4, "overlay"),
        (0x50000005, "US", 1, "curve"),
        (0x00200013, "IS", "123456789", "not one of those expected"),
        (0x0020000D, "UI", "1.2.840.20090415.3", "not one of those expected"),
        (0x00082218, "SQ", Sequence([NESTED]), "free text"),
        (0x00082218, "SQ", Sequence([HIDING]), "a picture within another element"),
        (0x00082218, "SQ", Sequence([HIDING]), "a private element"),
        (0x00082218, "SQ", Sequence([HIDING]), "person's name"),
        (0x00081115, "SQ", Sequence([Dataset()]), "does not need"),
    ],
)
def test_every_identifying_element_is_refused(
    tag: int, representation: str, value: object, reason: str
) -> None:
    found = findings(with_element(tag, representation, value))
    assert any(reason in finding.reason for finding in found), found


@pytest.mark.parametrize(
    "missing", ["PatientIdentityRemoved", "BurnedInAnnotation", "DeidentificationMethodCodeSequence"]
)
def test_what_must_be_said_and_is_not_is_a_finding(missing: str) -> None:
    (finding,) = findings(made(lambda dataset: dataset.__delattr__(missing)))
    assert finding.keyword == missing


def test_a_method_may_be_a_text_or_codes_of_the_standard() -> None:
    def by_text(text: str) -> bytes:
        def change(dataset: FileDataset) -> None:
            del dataset.DeidentificationMethodCodeSequence
            dataset.DeidentificationMethod = text

        return made(change)

    def by_codes(*codes: str) -> bytes:
        def change(dataset: FileDataset) -> None:
            dataset.DeidentificationMethodCodeSequence = Sequence([coded(code, "", "DCM") for code in codes])

        return made(change)

    assert findings(by_text("DICOM PS3.15 Basic Profile")) == ()
    assert findings(by_text("we removed everything")) != ()
    assert findings(by_text(f"PS3.15 by {PLANTED}")) != ()
    assert findings(by_codes("113100", "113108")) == ()
    assert findings(by_codes("113108")) != ()  # an option without the profile
    assert findings(by_codes("113100", "999999")) != ()


def test_synthetic_names_pass_and_others_do_not() -> None:
    def named(name: str) -> bytes:
        return with_element(0x00100010, "PN", name)

    for name in ("ANONYMOUS", "Phantom^0012", "p_1234", "SYNTHETIC^PHANTOM0A1B2C3D", "0" * 32, ""):
        assert findings(named(name)) == (), name
    for name in ("Patient^Jane", "123456", "p_12345678", "AnonymousSmith", "P" + "_" * 40 + "x"):
        assert findings(named(name)) != (), name


def test_what_precedes_the_header_is_looked_at() -> None:
    content = made()
    assert findings(PLANTED.encode().ljust(128, b"\0") + content[128:]) != ()


def test_the_version_of_the_file_meta_holds_nothing_else() -> None:
    def change(dataset: FileDataset) -> None:
        dataset.file_meta.FileMetaInformationVersion = f"{PLANTED}!".encode()

    (finding,) = findings(made(change))
    assert finding.keyword == "FileMetaInformationVersion"


def test_the_length_of_a_group_is_let_in() -> None:
    """Old files have one before each group; the library does not write them."""
    content = made()
    place = content.index(b"\x08\x00\x08\x00CS")
    assert findings(content[:place] + b"\x08\x00\x00\x00UL\x04\x00\x64\x00\x00\x00" + content[place:]) == ()


def test_an_age_of_89_is_let_in() -> None:
    assert findings(made().replace(b"058Y", b"089Y")) == ()


def test_text_beside_the_breast_is_found_and_the_breast_is_not_text() -> None:
    pixels = breast(256, 192).astype(np.float32)
    found = find_breast(pixels)
    assert inspect_pixels(pixels, found) == ()
    label = pixels.copy()
    for column in (150, 160, 170):  # three upright strokes
        label[12:22, column : column + 4] = 1.0
    assert len(inspect_pixels(label, find_breast(label))) == 1
    line = pixels.copy()
    line[12:20, 140:180] = 0.9  # letters that touch
    assert len(inspect_pixels(line, find_breast(line))) == 1
    dust = pixels.copy()
    dust[12, 150] = 1.0
    assert inspect_pixels(dust, find_breast(dust)) == ()


def test_a_set_with_findings_is_refused_without_saying_whose(tmp_path: Path) -> None:
    name = Finding("(0010,0010)", "PatientName", "a person's name")
    log = tmp_path / "audit.jsonl"
    admit({"a": (), "b": ()}, "nlbs", log)
    with pytest.raises(
        DataError, match=r"1 of 2 files[\s\S]*PatientName \(0010,0010\): a person's name \(in 1"
    ):
        admit({"a": (name,), "b": ()}, "nlbs", log)
    assert not log.exists()


def test_a_refusal_names_rows_and_leaves_the_whole_list_in_a_file(tmp_path: Path) -> None:
    name, burned = (
        Finding("(0010,0010)", "PatientName", "a person's name"),
        Finding("", "", "looks like text"),
    )
    findings = {f"k{row}": (name, burned) if row % 2 else () for row in range(2, 60)}
    rows = {f"k{row}": row for row in range(2, 60)}
    with pytest.raises(DataError) as refused:
        admit(findings, "nlbs", tmp_path / "audit.jsonl", None, rows)
    place = tmp_path / "nlbs-refused.csv"
    text = str(refused.value)
    assert "29 of 58 files" in text and "table rows 3, 5, 7" in text and "and 19 more" in text
    assert str(place) in text.splitlines()[0]
    with place.open() as file:
        listed = list(csv.DictReader(file))
    assert {int(line["table_row"]) for line in listed} == set(range(3, 60, 2)) and len(listed) == 58
    details = refused.value.details
    assert details["list"] == str(place) and (details["refused"], details["files"]) == (29, 58)
    assert details["findings"] == {str(name): 29, str(burned): 29} and details["rows"][:2] == [3, 5]
    admit({"k2": ()}, "nlbs", tmp_path / "audit.jsonl", None, rows)
    assert not place.exists()  # nothing is refused any more


def test_an_override_is_in_the_log_with_who_when_why_and_counts(tmp_path: Path) -> None:
    name = Finding("(0010,0010)", "PatientName", "a person's name")
    log = tmp_path / "sub" / "audit.jsonl"
    for _ in range(2):
        admit(
            {"a": (name,), "b": (name,), "c": ()},
            "nlbs",
            log,
            Override("names are synthetic"),
        )
    first, second = audit.entries(log)
    assert first["findings"] == {str(name): 2} and (first["files"], first["refused"]) == (3, 2)
    assert first["who"] and first["when"] and first["reason"] and second["previous"] != first["previous"]
    assert log.stat().st_mode & 0o077 == 0


def test_a_changed_log_shows(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    for number in range(3):
        audit.append(log, {"number": number})
    lines = log.read_text().splitlines()
    for broken in (
        [lines[0], lines[2]],
        [lines[0], lines[1].replace('"number": 1', '"number": 7'), lines[2]],
    ):
        log.write_text("\n".join(broken) + "\n")
        with pytest.raises(CorruptArtefact):
            audit.entries(log)
    assert json.loads(lines[0])["previous"] == audit.START


@pytest.mark.parametrize("reason", ["", "   ", "because", "x" * 501, "two\nlines of reasons"])
def test_an_override_needs_a_reason(reason: str) -> None:
    with pytest.raises(BadRequest):
        Override(reason)


def test_the_makers_object_is_what_it_says() -> None:
    assert mammogram().PatientIdentityRemoved == "YES"
