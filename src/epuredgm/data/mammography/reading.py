"""One file through all of the reading side: pixels, labels, the breast, and what speaks against it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from epuredgm.data.mammography.breast import Breast, find_breast
from epuredgm.data.mammography.burned_in import inspect_pixels
from epuredgm.data.mammography.deidentification import Policy, inspect, inspect_png
from epuredgm.data.mammography.dicom import interpret
from epuredgm.data.mammography.findings import Finding
from epuredgm.data.mammography.header import content_of, parse
from epuredgm.data.mammography.mammogram import Mammogram
from epuredgm.data.mammography.png import SIGNATURE, interpret_png


@dataclass(frozen=True)
class Examined:
    """A file that could be read.

    Attributes:
        mammogram: pixels and labels.
        breast: where the breast is.
        findings: of the gate, at header and pixels; empty if the file is let in.
        content: SHA-256 of the file.
        picture: SHA-256 of size and pixels: equal for one picture in two files.
    """

    mammogram: Mammogram
    breast: Breast
    findings: tuple[Finding, ...]
    content: str
    picture: str


def examine(path: Path, policy: Policy | None = None, png_bits: int | None = None) -> Examined:
    """Read a DICOM or PNG file, told apart by what is in it.

    Args:
        path: the file.
        policy: of the gate.
        png_bits: bits in use in PNG files; by default all.

    Raises:
        Unreadable: with the reason; the text holds nothing of the file.
    """
    content = content_of(path)
    if content.startswith(SIGNATURE):
        mammogram, findings = interpret_png(content, png_bits), inspect_png(content)
    else:
        header = parse(content)
        findings = inspect(header, policy)
        mammogram = interpret(header)
    pixels = mammogram.pixels
    breast = find_breast(pixels)
    picture = hashlib.sha256(repr(pixels.shape).encode())
    picture.update(np.ascontiguousarray(pixels).data)
    return Examined(
        mammogram,
        breast,
        findings + inspect_pixels(pixels, breast),
        hashlib.sha256(content).hexdigest(),
        picture.hexdigest(),
    )


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
