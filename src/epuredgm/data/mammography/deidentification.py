"""The gate: a file is let in only if all it says is on the list of what it may say. It fails closed.

Findings name an element of the standard and the reason, never the value. Who lets a file in against a finding
must say so and why; that goes to a log that is only added to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from epuredgm.core.errors import BadRequest, DataError
from epuredgm.data.mammography import allowed, audit
from epuredgm.data.mammography.breast import Breast
from epuredgm.data.mammography.faults import Unreadable
from epuredgm.data.mammography.header import Header, items, quiet, walk, word
from epuredgm.data.mammography.png import chunks

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SYNTHETIC = re.compile(
    r"(?:(?:anon(?:ymous|ymized|ymised)?|phantom|synthetic|patient|subject|case|p)(?:[\^_ -]+\d{0,6})*"
    r"|[0-9a-f]{32,64})",
    re.IGNORECASE,
)
OLDEST = 89  # years; older people are few enough to be found
AGE = re.compile(r"\d{3}[DWMY]")
TEXT_KINDS = ("LO", "SH", "ST", "LT", "UT", "UC", "UR", "AE")
PICTURE_CHUNKS = (b"IHDR", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs", b"bKGD", b"hIST")
MARK_CONTRAST = 0.2  # of the full range above air: markers and labels are bright
GLYPH = (0.012, 0.15)  # height of a glyph relative to the picture's


@dataclass(frozen=True, order=True)
class Finding:
    """Why a file is not let in.

    Attributes:
        tag: such as ``(0010,0010)``; empty if it is not about an element.
        keyword: its name in the standard; empty if it has none.
        reason: what is wrong.
    """

    tag: str
    keyword: str
    reason: str

    def __str__(self) -> str:
        return f"{' '.join(part for part in (self.keyword, self.tag) if part)}: {self.reason}"


@dataclass(frozen=True)
class Policy:
    """What counts as no person's.

    Attributes:
        patient: pattern of names and numbers of patients that identify nobody.
        oldest: age in years above which an age identifies.
    """

    patient: re.Pattern[str] = SYNTHETIC
    oldest: int = OLDEST


@dataclass(frozen=True)
class Override:
    """Somebody's decision to let files in against findings.

    Raises:
        BadRequest: if the reason says nothing.
    """

    reason: str

    def __post_init__(self) -> None:
        if not 10 <= len(self.reason.strip()) <= 500 or not self.reason.isprintable():
            raise BadRequest(
                "the reason for letting in files that are not de-identified says nothing",
                "Write one line of 10 to 500 characters, without anything that identifies a patient.",
            )


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
                if reason:
                    found.add(Finding(_shown(tag), _keyword(tag), reason))
        found |= set(_proofs(header.dataset))
    return tuple(sorted(found))


def inspect_png(content: bytes) -> tuple[Finding, ...]:
    """Every chunk of a PNG file that is not about the picture.

    Raises:
        Unreadable: not_png, truncated.
    """
    if all(kind in PICTURE_CHUNKS for kind, _ in chunks(content)):
        return ()
    return (Finding("", "PNG", "the file holds text or other data beside the picture"),)


def inspect_pixels(pixels: NDArray[np.float32], breast: Breast) -> tuple[Finding, ...]:
    """Bright things outside the breast that look like text: small, and several, or in a line.

    Args:
        pixels: (H, W) in [0, 1].
        breast: where the breast is.
    """
    rows = pixels.shape[0]
    around = max(1, round(rows / 200))
    breast_and_rim = ndimage.maximum_filter(breast.mask.astype(np.uint8), 2 * around + 1).astype(np.bool_)
    bright = (pixels > breast.air + MARK_CONTRAST) & ~breast_and_rim
    labels, count = ndimage.label(bright, np.ones((3, 3)))
    if not count:
        return ()
    glyphs, lines = 0, 0
    for down, across in ndimage.find_objects(labels):
        height, width = down.stop - down.start, across.stop - across.start
        low, high = GLYPH[0] * rows, GLYPH[1] * rows
        if max(3.0, low) <= height <= high:
            glyphs += width <= 1.5 * height
            lines += width > 1.5 * height  # letters that touch
    if glyphs < 2 and not lines:
        return ()
    return (Finding("", "", "bright things outside the breast look like text"),)


def admit(
    findings: Mapping[str, Sequence[Finding]], dataset: str, log: Path, override: Override | None = None
) -> None:
    """Let a data set in, or refuse it.

    Args:
        findings: of every file, by a name that identifies nobody.
        dataset: its name.
        log: audit log that an override is added to.
        override: the decision to let it in all the same.

    Raises:
        DataError: listing the findings with their counts, if there are any and no override.
    """
    counts = tally(findings.values())
    if not counts:
        return
    refused = sum(bool(found) for found in findings.values())
    if override is None:
        faults = [f"{finding} (in {number} files)" for finding, number in counts.items()]
        raise DataError(
            f"data set {dataset}: {refused} of {len(findings)} files are not de-identified",
            faults,
            "De-identify them (DICOM PS3.15, Basic Application Level Confidentiality Profile).",
        )
    audit.append(
        log,
        {
            "what": "files let in that are not de-identified",
            "dataset": dataset,
            "reason": override.reason,
            "files": len(findings),
            "refused": refused,
            "findings": counts,
        },
    )


def tally(findings: Iterable[Iterable[Finding]]) -> dict[str, int]:
    """In how many files each finding was made, by its text, sorted."""
    counts = Counter(str(finding) for found in findings for finding in set(found))
    return dict(sorted(counts.items()))


def _reason(tag: int, element: Any, policy: Policy) -> str:
    """Why an element is not let in; empty if it may be there."""
    group = tag >> 16
    if group % 2:
        return "a private element"
    if 0x6000 <= group <= 0x60FF:
        return "an overlay"
    if 0x5000 <= group <= 0x50FF:
        return "a curve"
    if element is None:
        return "a value that cannot be read"
    keyword = _keyword(tag)
    if not keyword:
        return "an element that the standard does not know"
    if element.VR == "SQ":
        if keyword in allowed.SEQUENCES or not len(element.value):
            return ""
        return _kind(keyword, "")
    texts = _texts(element)
    if not any(texts):
        return ""
    if keyword in ("PatientName", "PatientID"):
        return "" if all(map(policy.patient.fullmatch, texts)) else _kind(keyword, str(element.VR))
    if keyword == "PatientAge":
        return _about_age(texts, policy.oldest)
    if keyword in allowed.BYTES:
        return ""
    rule = allowed.ELEMENTS.get(keyword)
    if rule is None:
        return _kind(keyword, str(element.VR))
    return "" if all(map(rule, texts)) else f"a value that is not one of those expected{_note(element)}"


def _note(element: Any) -> str:
    return " (free text)" if str(element.VR) in TEXT_KINDS else ""


def _kind(keyword: str, representation: str) -> str:
    """What a refused element holds."""
    if representation == "PN" or "Name" in keyword.split("Patient")[-1] and "Patient" in keyword:
        return "a person's name"
    kinds = {
        "BirthDate": "a date of birth",
        "Institution": "an institution",
        "Physician": "a physician",
        "Operator": "a person's name",
        "AccessionNumber": "an accession number",
        "SerialNumber": "a device's serial number",
        "Station": "a device's name",
        "DetectorID": "a device's serial number",
        "DeviceUID": "a device's serial number",
        "PatientID": "a patient's number",
    }
    for part, kind in kinds.items():
        if part in keyword:
            return kind
    if representation in ("DA", "DT", "TM"):
        return "a date or time"
    if representation in TEXT_KINDS:
        return "free text"
    return "an element that a mammogram does not need"


def _about_age(texts: list[str], oldest: int) -> str:
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
    value = element.value
    if value is None:
        return []
    if isinstance(value, bytes | bytearray):
        return ["bytes"] if value.strip(b"\0 ") else []
    many = list(value) if not isinstance(value, str) and hasattr(value, "__len__") else [value]
    return [str(part).strip(" \0") for part in many]


def _keyword(tag: int) -> str:
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag)


def _tag_of(keyword: str) -> str:
    from pydicom.datadict import tag_for_keyword

    return _shown(int(tag_for_keyword(keyword) or 0))


def _shown(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
