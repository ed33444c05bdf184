"""One mammogram from one DICOM file, by the standard and nothing but the standard.

Read are the two objects of digital mammography (PS3.3 A.26), one grey frame each, in any of the syntaxes of
:mod:`decoding`. What is recorded and contradicts itself is refused; what is not recorded is unknown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from epuredgm.data.mammography import presentation
from epuredgm.data.mammography.decoding import Layout, decode, is_lossy, layout
from epuredgm.data.mammography.elements import items, number, numbers, values, word, words
from epuredgm.data.mammography.faults import Unreadable, guarded
from epuredgm.data.mammography.header import Header, content_of, parse, quiet
from epuredgm.data.mammography.mammogram import PRESENTATION, PROCESSING, SIDES, VIEWS, Mammogram, Origin
from epuredgm.data.mammography.placeholders import is_no_age, is_no_spacing, is_unknown

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.1.2": PRESENTATION,
    "1.2.840.10008.5.1.4.1.1.1.2.1": PROCESSING,
}
VIEW_CODES = {  # CID 4014: SNOMED CT, and SNOMED RT as older objects have it
    ("SCT", "399162004"): "CC",
    ("SRT", "R-10242"): "CC",
    ("SNM3", "R-10242"): "CC",
    ("SCT", "399368009"): "MLO",
    ("SRT", "R-10226"): "MLO",
    ("SNM3", "R-10226"): "MLO",
}
LATERALITIES = ("ImageLaterality", "Laterality")
SHAPES = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}
ANTERIOR = {"L": "A", "R": "P"}  # where rows lead to (Patient Orientation, first value)
REFUSED = {  # elements that say that a picture is not one of a whole natural breast of a patient
    "BreastImplantPresent": ("YES", "implant"),
    "PartialView": ("YES", "partial_view"),
    "QualityControlImage": ("YES", "quality_control"),
}
AGE = re.compile(r"(\d{3})([DWMY])")
PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
SPACINGS = (0.005, 10.0)  # mm; detectors have 0.05 to 0.1, reduced pictures more
MAGNIFICATIONS = (1.0, 3.0)
TOLERANCE = 0.01  # relative difference of spacings that mean the same


def read_dicom(path: Path) -> Mammogram:
    """Read one file.

    Raises:
        Unreadable: with the reason; the text holds nothing of the file.
    """
    return interpret(parse(content_of(path)))


def interpret(header: Header, decoder: str | None = None, bits: int | None = None) -> Mammogram:
    """The mammogram of a parsed file.

    Args:
        header: the file.
        decoder: pydicom's name of a decoder, for comparing them.
        bits: bits in use, if they are fewer than the file says.

    Raises:
        Unreadable: with the reason.
    """
    with quiet():
        dataset = header.dataset
        intent = _intent(dataset)
        for keyword, (refused, code) in REFUSED.items():
            if word(dataset, keyword) == refused:
                raise Unreadable(code)
        form = layout(header)
        form = form if bits is None else replace(form, stored=min(bits, form.stored))
        photometric = _photometric(dataset)
        if intent == PRESENTATION:
            curve, chosen = presentation.for_presentation(header, form.stored, photometric == "MONOCHROME1")
        else:
            curve, chosen = presentation.for_processing(dataset, form.stored)
        laterality, view = _laterality(dataset), _view(dataset)
        _check_orientation(dataset, laterality)
        curve[_padding(header, form)] = 0.0
        lossy, placeholders = is_lossy(header), _placeholders(dataset)
        mm_per_pixel, age = _spacing(dataset), _age(dataset)
        stored = decode(header, form, decoder)
    if stored.min() == stored.max():
        raise Unreadable("constant")
    origin = Origin(
        "dicom", intent, photometric, form.stored, header.syntax, lossy, chosen, int(stored.max())
    )
    pixels = curve.astype(np.float32)[stored]
    return Mammogram(pixels, mm_per_pixel, view, laterality, age, origin, placeholders)


def _intent(dataset: Dataset) -> str:
    sop_class = word(dataset, "SOPClassUID")
    if sop_class not in SOP_CLASSES:
        raise Unreadable("sop_class")
    if word(dataset, "Modality") != "MG":
        raise Unreadable("modality")
    intent = SOP_CLASSES[sop_class]
    if word(dataset, "PresentationIntentType") not in (None, f"FOR {intent.upper()}"):
        raise Unreadable("intent")
    return intent


def _photometric(dataset: Dataset) -> str:
    photometric = word(dataset, "PhotometricInterpretation")
    if photometric not in SHAPES:
        raise Unreadable("photometric")
    if word(dataset, "PresentationLUTShape") not in (None, SHAPES[photometric]):
        raise Unreadable("shape")
    return photometric


def _padding(header: Header, form: Layout) -> slice:
    """The stored values that stand for "nothing here": shown as air, whatever the curve says."""
    first = words(header.dataset, "PixelPaddingValue", header.big_endian)
    last = words(header.dataset, "PixelPaddingRangeLimit", header.big_endian)
    if not len(first):
        return slice(0, 0)
    low, high = sorted((int(first[0]), int(last[0]) if len(last) else int(first[0])))
    if low > form.maximum:
        return slice(0, 0)
    return slice(low, high + 1)


def _placeholders(dataset: Dataset) -> tuple[str, ...]:
    """What the header says in a way that means "not known", and not by leaving it out."""
    found = {
        "age": is_no_age(word(dataset, "PatientAge") or ""),
        "view": _is_said_unknown(dataset, "ViewPosition"),
        "laterality": any(_is_said_unknown(dataset, keyword) for keyword in LATERALITIES),
        "spacing": any(_is_no_square(dataset, keyword) for keyword in ("ImagerPixelSpacing", "PixelSpacing")),
    }
    return tuple(name for name, holds in found.items() if holds)


def _is_said_unknown(dataset: Dataset, keyword: str) -> bool:
    said = word(dataset, keyword)
    return said is not None and (is_unknown(said) or (keyword == "ImageLaterality" and said == "U"))


def _known(dataset: Dataset, keyword: str) -> str | None:
    """A word that is not one for "not known"."""
    return None if _is_said_unknown(dataset, keyword) else word(dataset, keyword)


def _view(dataset: Dataset) -> str | None:
    """The view code if there is one, else the view position, which is older and less strict."""
    position = _known(dataset, "ViewPosition")
    coded = items(dataset, "ViewCodeSequence")
    if len(coded) > 1:
        raise Unreadable("bad_element", "ViewCodeSequence")
    if not coded:
        if position not in (None, *VIEWS):
            raise Unreadable("view")
        return position
    if items(coded[0], "ViewModifierCodeSequence"):
        raise Unreadable("view_modifier")
    code = (word(coded[0], "CodingSchemeDesignator") or "", word(coded[0], "CodeValue") or "")
    if code not in VIEW_CODES:
        raise Unreadable("view")
    if position in VIEWS and position != VIEW_CODES[code]:
        raise Unreadable("view_conflict")
    return VIEW_CODES[code]


def _laterality(dataset: Dataset) -> str | None:
    found = {_known(dataset, keyword) for keyword in LATERALITIES} - {None}
    if not found <= set(SIDES):
        raise Unreadable("laterality")
    if len(found) > 1:
        raise Unreadable("laterality_conflict")
    return found.pop() if found else None


def _check_orientation(dataset: Dataset, laterality: str | None) -> None:
    """Rows of a left breast lead to anterior, those of a right one to posterior (IHE Mammography Image)."""
    oriented = values(dataset, "PatientOrientation")
    if laterality is None or not oriented:
        return
    first = oriented[0].strip().upper() if isinstance(oriented[0], str) else ""
    if first[:1] in ("A", "P") and first[:1] != ANTERIOR[laterality]:
        raise Unreadable("orientation")


def _age(dataset: Dataset) -> float | None:
    recorded = word(dataset, "PatientAge")
    if recorded is None or is_no_age(recorded):
        return None
    found = AGE.fullmatch(recorded)
    if found is None:
        raise Unreadable("age")
    return int(found[1]) / PER_YEAR[found[2]]


def _spacing(dataset: Dataset) -> float | None:
    """Millimetres a pixel in the plane of the breast (PS3.3 10.7).

    Pixel Spacing counts where it says that it is calibrated; else Imager Pixel Spacing, which is that of the
    detector, divided by the magnification. An uncalibrated Pixel Spacing alone is taken for it.
    """
    imager, pixel = _square(dataset, "ImagerPixelSpacing"), _square(dataset, "PixelSpacing")
    if pixel is not None and word(dataset, "PixelSpacingCalibrationType") in ("GEOMETRY", "FIDUCIAL"):
        return pixel
    magnification = number(dataset, "EstimatedRadiographicMagnificationFactor")
    if magnification is None:
        magnification = 1.0
    low, high = MAGNIFICATIONS
    if not low <= magnification <= high:
        raise Unreadable("spacing", "EstimatedRadiographicMagnificationFactor")
    detector = pixel if imager is None else imager
    if detector is None:
        return None
    if pixel is not None and not (_same(pixel, detector) or _same(pixel, detector / magnification)):
        raise Unreadable("spacing", "PixelSpacing")
    return detector / magnification


def _square(dataset: Dataset, keyword: str) -> float | None:
    found = guarded("spacing", keyword, lambda: numbers(dataset, keyword))
    if not found or is_no_spacing(found):
        return None
    low, high = SPACINGS
    if len(found) != 2 or not all(low <= side <= high for side in found) or not _same(*found):
        raise Unreadable("spacing", keyword)
    return sum(found) / 2


def _is_no_square(dataset: Dataset, keyword: str) -> bool:
    return is_no_spacing(guarded("spacing", keyword, lambda: numbers(dataset, keyword)))


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(one, other)
