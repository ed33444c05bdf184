"""The gate at the header: a file is let in only if all it says is on the list of what it may say.

It fails closed: what is not listed, cannot be read or is not said at all is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epuredgm.core.spec import OLDEST
from epuredgm.data.mammography import allowed
from epuredgm.data.mammography.elements import items, word
from epuredgm.data.mammography.faults import Unreadable
from epuredgm.data.mammography.findings import Finding
from epuredgm.data.mammography.header import PIXELS_TAG, Header, quiet, walk
from epuredgm.data.mammography.placeholders import is_no_age, is_unknown
from epuredgm.data.mammography.png import chunks

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NOBODY = r"(?:anon(?:ymous|ymized|ymised)?|phantom|synthetic|patient|subject|case|p)"
TOKEN = rf"(?:{NOBODY}\d{{0,6}}|phantom[0-9a-f]{{8}})"
SYNTHETIC = re.compile(rf"{TOKEN}(?:[\^_ -](?:{TOKEN}|\d{{0,6}}))*|[0-9a-f]{{32,64}}", re.IGNORECASE)
AGE = re.compile(r"\d{3}[DWMY]")
BYTES = re.compile(rb"[^\0 ]")  # that are more than padding
TEXT_KINDS = ("LO", "SH", "ST", "LT", "UT", "UC", "UR", "AE")
PICTURE_CHUNKS = {  # and the length of what is about a grey picture; None for any
    b"IHDR": 13,
    b"IDAT": None,
    b"IEND": 0,
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"sBIT": 1,
    b"pHYs": 9,
    b"bKGD": 2,
}
UNEXPECTED = "a value that is not one of those expected"
KINDS = {  # by what a keyword contains
    "BirthDate": "a date of birth",
    "Institution": "an institution",
    "Physician": "a physician",
    "Operator": "a person's name",
    "AccessionNumber": "an accession number",
    "SerialNumber": "a device's serial number",
    "DetectorID": "a device's serial number",
    "DeviceUID": "a device's serial number",
    "Station": "a device's name",
    "PatientID": "a patient's number",
}


@dataclass(frozen=True)
class Policy:
    """What counts as no person's.

    Attributes:
        patient: pattern of names and numbers of patients that identify nobody.
        oldest: age in years above which an age identifies.
    """

    patient: re.Pattern[str] = SYNTHETIC
    oldest: int = OLDEST


def inspect(header: Header, policy: Policy | None = None) -> tuple[Finding, ...]:
    """Every finding in a DICOM header, at all depths; none means that the header is de-identified.

    Raises:
        Unreadable: header_too_large.
    """
    policy = policy or Policy()
    found: set[Finding] = set()
    if header.preamble.strip(b"\0"):
        found.add(Finding("", "", "the 128 bytes before the header are not empty"))
    with quiet():
        for part in (header.meta, header.dataset):
            for tag, element in walk(part):
                reason = _reason(tag, element, policy)
                if tag == PIXELS_TAG and element is not None and element is not header.dataset[tag]:
                    reason = "a picture within another element"
                if reason:
                    found.add(Finding(_shown(tag), _keyword(tag), reason))
        found |= set(_proofs(header.dataset))
    return tuple(sorted(found))


def inspect_png(content: bytes) -> tuple[Finding, ...]:
    """Every chunk of a PNG file that is not about the picture.

    Raises:
        Unreadable: not_png, truncated.
    """
    if all(PICTURE_CHUNKS.get(kind, -1) in (None, len(data)) for kind, data in chunks(content)):
        return ()
    return (Finding("", "PNG", "the file holds text or other data beside the picture"),)


def _reason(tag: int, element: Any, policy: Policy) -> str:
    """Why an element is not let in; empty if it may be there."""
    reason = _about_group(tag >> 16)
    if reason:
        return reason
    keyword = _keyword(tag)
    if element is None:
        return "a value that cannot be read"
    if not keyword:
        if tag & 0xFFFF == 0 and element.VR == "UL":  # the length of a group, which old files have
            return ""
        return "an element that the standard does not know"
    if element.VR == "SQ":
        return "" if keyword in allowed.SEQUENCES or not len(element.value) else _kind(keyword, "")
    if keyword == "FileMetaInformationVersion":
        return "" if element.value == b"\0\1" else UNEXPECTED
    texts = _texts(element)
    return _about_values(keyword, str(element.VR), texts, policy) if any(texts) else ""


def _about_group(group: int) -> str:
    if group % 2:
        return "a private element"
    if 0x6000 <= group <= 0x60FF:
        return "an overlay"
    return "a curve" if 0x5000 <= group <= 0x50FF else ""


def _about_values(keyword: str, representation: str, texts: list[str], policy: Policy) -> str:
    """Why an element may not have these values, which are not all empty."""
    if keyword == "PatientID" and all(not text.strip("0") or is_unknown(text) for text in texts):
        return ""  # 000000 is no patient's
    if keyword in ("PatientName", "PatientID"):
        return "" if all(map(policy.patient.fullmatch, texts)) else _kind(keyword, representation)
    if keyword == "PatientAge":
        return _about_age(texts, policy.oldest)
    rule = allowed.ELEMENTS.get(keyword)
    if rule is None:
        return _kind(keyword, representation)
    if all(not text or rule(text) or is_unknown(text) for text in texts):
        return ""
    free = " (free text)" if representation in TEXT_KINDS else ""
    return f"{UNEXPECTED}{free}"


def _kind(keyword: str, representation: str) -> str:
    """What a refused element holds."""
    for part, kind in KINDS.items():
        if part in keyword:
            return kind
    if representation == "PN":
        return "a person's name"
    if representation in ("DA", "DT", "TM"):
        return "a date or time"
    return "free text" if representation in TEXT_KINDS else "an element that a mammogram does not need"


def _about_age(texts: list[str], oldest: int) -> str:
    if len(texts) == 1 and is_no_age(texts[0]):
        return ""
    if len(texts) != 1 or AGE.fullmatch(texts[0]) is None:
        return "an age in another form than the standard's"
    if texts[0][3] == "Y" and int(texts[0][:3]) > oldest:
        return f"an age over {oldest}"
    return ""


def _proofs(dataset: Dataset) -> Iterable[Finding]:
    """What a file must say: that identity was removed, how, and that none is burned in."""
    required = {"PatientIdentityRemoved": "YES", "BurnedInAnnotation": "NO"}
    for keyword, value in required.items():
        if _word(dataset, keyword) != value:
            yield Finding(_tag_of(keyword), keyword, f"is not {value}")
    codes = {(_word(item, "CodingSchemeDesignator"), _word(item, "CodeValue")) for item in _methods(dataset)}
    listed = {("DCM", code) for code in allowed.DEIDENTIFICATION_CODES}
    by_code = ("DCM", allowed.BASIC_PROFILE) in codes and codes <= listed
    if not by_code and not allowed.is_method(_word(dataset, "DeidentificationMethod") or ""):
        keyword = "DeidentificationMethodCodeSequence"
        yield Finding(_tag_of(keyword), keyword, "the basic profile of PS3.15 is not named (113100)")


def _word(dataset: Dataset, keyword: str) -> str | None:
    try:
        return word(dataset, keyword)
    except Unreadable:
        return None


def _methods(dataset: Dataset) -> list[Dataset]:
    try:
        return items(dataset, "DeidentificationMethodCodeSequence")
    except Unreadable:
        return []


def _texts(element: Any) -> list[str]:
    """The values of an element as stripped texts."""
    from pydicom.multival import MultiValue

    value = element.value
    if value is None:
        return []
    if isinstance(value, bytes | bytearray):
        return ["bytes"] if BYTES.search(value) else []
    many = list(value) if isinstance(value, MultiValue | list | tuple) else [value]  # names have letters too
    return [str(part).strip(" \0") for part in many]


def _keyword(tag: int) -> str:
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag)


def _tag_of(keyword: str) -> str:
    from pydicom.datadict import tag_for_keyword

    return _shown(int(tag_for_keyword(keyword) or 0))


def _shown(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
