"""One file through all of the reading side: pixels, labels, the breast, and what speaks against it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from epuredgm.data.mammography.breast import Breast, find_breast
from epuredgm.data.mammography.burned_in import inspect_pixels
from epuredgm.data.mammography.deidentification import Policy, inspect, inspect_png
from epuredgm.data.mammography.dicom import interpret
from epuredgm.data.mammography.elements import values
from epuredgm.data.mammography.faults import Unreadable
from epuredgm.data.mammography.findings import Finding
from epuredgm.data.mammography.header import Header, content_of, parse, quiet
from epuredgm.data.mammography.levels import is_unfilled
from epuredgm.data.mammography.mammogram import Mammogram
from epuredgm.data.mammography.png import SIGNATURE, depth_of, interpret_png


@dataclass(frozen=True)
class Examined:
    """A file that could be read.

    Attributes:
        mammogram: pixels and labels.
        breast: where the breast is.
        findings: of the gate, at header and pixels; empty if the file is let in.
        content: SHA-256 of the file.
        picture: SHA-256 of size and pixels: equal for one picture in two files.
        person: Patient ID, to be hashed before it is kept; empty if there is none.
    """

    mammogram: Mammogram
    breast: Breast
    findings: tuple[Finding, ...]
    content: str
    picture: str
    person: str = field(default="", repr=False)


def examine(path: Path, policy: Policy | None = None, bits: int | None = None) -> Examined:
    """Read a DICOM or PNG file, told apart by what is in it.

    Args:
        path: the file.
        policy: of the gate.
        bits: bits in use, where the file has room for more; by default as many as it says.

    Raises:
        Unreadable: with the reason; the text holds nothing of the file.
    """
    content = content_of(path)
    person = ""
    if content.startswith(SIGNATURE):
        depth = depth_of(content)
        mammogram = interpret_png(content, None if bits is None else min(bits, depth))
        findings = inspect_png(content)
    else:
        header = parse(content)
        findings = inspect(header, policy)
        mammogram = interpret(header, bits=bits)
        person = _person(header)
    pixels = mammogram.pixels
    try:
        breast = find_breast(pixels)
    except Unreadable:
        if is_unfilled(mammogram.origin):
            raise Unreadable("dark") from None
        raise
    picture = hashlib.sha256(repr(pixels.shape).encode())
    picture.update(np.ascontiguousarray(pixels).data)
    return Examined(
        mammogram,
        breast,
        findings + inspect_pixels(pixels, breast),
        hashlib.sha256(content).hexdigest(),
        picture.hexdigest(),
        person,
    )


def _person(header: Header) -> str:
    """Patient ID; empty if it is missing or no text."""
    with quiet():
        try:
            found = values(header.dataset, "PatientID")
        except Unreadable:
            return ""
    return found[0].strip(" \0") if len(found) == 1 and isinstance(found[0], str) else ""


def shared_pictures(pictures: Mapping[str, str], patients: Mapping[str, str]) -> set[str]:
    """The files whose picture is also another patient's: one of the two is wrong, so all are put aside.

    Args:
        pictures: SHA-256 of each file's picture.
        patients: patient of each file.
    """
    owners: dict[str, set[str]] = {}
    for file, picture in pictures.items():
        owners.setdefault(picture, set()).add(patients[file])
    return {file for file, picture in pictures.items() if len(owners[picture]) > 1}
