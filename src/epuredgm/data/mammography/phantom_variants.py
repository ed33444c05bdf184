"""One view in every awkward form that real archives hold, by name, each with what a reader is to do with it.

All show the same exposure, so what is read from one can be compared with what is read from another.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from epuredgm.core.errors import BadRequest
from epuredgm.core.files import write_bytes, write_text
from epuredgm.data.entries import write_arrays
from epuredgm.data.mammography.phantom import Exposure, expose
from epuredgm.data.mammography.phantom_acquisition import BRIGHTEST
from epuredgm.data.mammography.phantom_dicom import COMPRESSIONS, compressed, content_of, dataset_of
from epuredgm.data.mammography.phantom_forms import FORMS, LUT_OF_BYTES, PLAIN, Form
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_header import MAGNIFICATION, patient_id, uid
from epuredgm.data.mammography.phantom_layouts import OLD_COLUMNS
from epuredgm.data.mammography.phantom_patient import draw_patient, stream
from epuredgm.data.mammography.phantom_text import Writing, burn

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Outcome = Literal["read", "quarantined", "refused"]
Edit = Callable[["Dataset"], None]
GRID = Grid(320, 256, 0.8)
TABLE, EXPECTED = "variants.csv", "expected.npz"


@dataclass(frozen=True)
class Variant:
    """One file.

    Attributes:
        outcome: read; quarantined, as a faulty file; or refused, by the de-identification gate.
        content: the file's bytes, of the base exposure and the variant's name.
        error: of a correct reading, against ``expected`` (see :func:`write_variants`); None where there is no
            reading, or one of another kind.
        laterality: what the table says, if not the truth.
    """

    outcome: Outcome
    content: Callable[[Exposure, str], bytes]
    error: float | None = None
    laterality: str | None = None


def base_exposure(seed: int = 0) -> Exposure:
    """The exposure that all variants show: a left MLO view of 320 x 256 pixels of 0.8 mm."""
    return expose(draw_patient(seed, 1), "L", "MLO", GRID)


def write_variants(folder: Path, names: tuple[str, ...] | None = None, seed: int = 0) -> dict[str, Path]:
    """Write variants as ``<name>.dcm``, all of them unless ``names`` are given.

    Beside them lie ``variants.csv``, a table in the old layout, and ``expected.npz`` with ``pixels``
    (0.92 of the presentation), ``breast``, ``pectoral`` (H, W each) and ``mm_per_pixel``.

    Raises:
        BadRequest: if there is no variant of a name.
    """
    chosen = tuple(VARIANTS) if names is None else names
    unknown = [name for name in chosen if name not in VARIANTS]
    if unknown:
        raise BadRequest(f"there is no phantom variant {unknown[0]!r}", f"Choose from: {', '.join(VARIANTS)}")
    base = base_exposure(seed)
    paths = {name: folder / f"{name}.dcm" for name in chosen}
    for name, path in paths.items():
        write_bytes(path, VARIANTS[name].content(base, name))
    pixels = (base.presentation * BRIGHTEST).astype(np.float32)
    truth = {"breast": base.breast, "pectoral": base.pectoral, "mm_per_pixel": np.array(base.grid.pixel)}
    write_arrays(folder / EXPECTED, {"pixels": pixels, **truth})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(OLD_COLUMNS)
    for name, path in paths.items():
        side = VARIANTS[name].laterality or base.side
        writer.writerow([path.name, side, base.view, base.patient.age, 0, 0])
    write_text(folder / TABLE, text.getvalue())
    return paths


# makers ------------------------------------------------------------------------------------------------


def _formed(form: Form, outcome: Outcome = "read") -> Variant:
    error = form.error if form.intent == "PRESENTATION" else None
    return Variant(outcome, lambda base, name: content_of(dataset_of(base, form, name)), error)


def _compressed(syntax: str) -> Variant:
    form = FORMS["presentation_14"]

    def content(base: Exposure, name: str) -> bytes:
        return content_of(compressed(dataset_of(base, form, name), syntax))

    return Variant("read", content, form.error)


def _edited(outcome: Outcome, edit: Edit, laterality: str | None = None) -> Variant:
    def content(base: Exposure, name: str) -> bytes:
        dataset = dataset_of(base, PLAIN, name)
        edit(dataset)
        return content_of(dataset)

    return Variant(outcome, content, PLAIN.error if outcome == "read" else None, laterality)


def _without(*keywords: str) -> Edit:
    def edit(dataset: Dataset) -> None:
        for keyword in keywords:
            delattr(dataset, keyword)

    return edit


def _with(**elements: object) -> Edit:
    def edit(dataset: Dataset) -> None:
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)

    return edit


def _truncated(base: Exposure, name: str) -> bytes:
    whole = content_of(dataset_of(base, PLAIN, name))
    return whole[: len(whole) * 2 // 3]


def _random_bytes(base: Exposure, name: str) -> bytes:
    return stream(base.patient.root, name).bytes(4096)


def _written(text: str, over: bool = False) -> Edit:
    """A text in white letters, in the corner away from the chest wall or ``over`` the breast."""

    def edit(dataset: Dataset) -> None:
        from PIL import ImageFont

        writing = Writing(text, ImageFont.load_default_imagefont(), enlarged=1 if over else 2)
        stored = np.frombuffer(dataset.PixelData, "<u2").reshape(dataset.Rows, dataset.Columns)
        columns = writing.ink().shape[1]
        top, left = (dataset.Rows // 2, 8) if over else (8, dataset.Columns - 8 - columns)
        pixels = burn((stored / PLAIN.top).astype(np.float32), writing, top, left, level=1.0, behind=0.0)
        dataset.PixelData = np.rint(pixels * PLAIN.top).astype("<u2").tobytes()

    return edit


def _telling(dataset: Dataset) -> None:
    """A header full of what must not leave a hospital; every value is invented."""
    _with(
        PatientName="Mustermann^Erika",
        PatientID="4711-0815",
        PatientBirthDate="19640812",
        StudyDate="20090305",
        InstitutionName="General Hospital",
        ReferringPhysicianName="Quacksalber^Otto",
        AccessionNumber="A0042",
        DeviceSerialNumber="SN123456",
        PatientComments="Calls from the village of Nowhere, phone 555 0100",
    )(dataset)


def _with_overlay(dataset: Dataset) -> None:
    rows, columns = dataset.Rows, dataset.Columns
    for element, vr, value in (
        (0x0010, "US", rows),
        (0x0011, "US", columns),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x3000, "OW", bytes(rows * columns // 8)),
    ):
        dataset.add_new((0x6000, element), vr, value)


def _with_private(dataset: Dataset) -> None:
    block = dataset.private_block(0x0019, "EPUREDGM PHANTOM", create=True)
    block.add_new(0x01, "LO", "anything may hide here")


def _halved_spacing(base: Exposure, name: str) -> bytes:
    """Each pixel as 2 x 2 of half the size: at one scale the same picture."""

    def twice(image: np.ndarray) -> np.ndarray:
        return np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)

    finer = replace(
        base,
        grid=Grid(2 * base.grid.height, 2 * base.grid.width, base.grid.pixel / 2),
        presentation=twice(base.presentation),
        counts=twice(base.counts),
    )
    return content_of(dataset_of(finer, PLAIN, name))


def _two_spacings(dataset: Dataset) -> None:
    """The detector's pixels, and those in the breast, which are what the phantom's millimetres are."""
    side = f"{float(dataset.ImagerPixelSpacing[0]) / MAGNIFICATION:.8g}"
    dataset.PixelSpacing = [side, side]


def _of_another_patient(dataset: Dataset) -> None:
    key = patient_id(-1, 2)
    dataset.PatientID, dataset.PatientName = key, f"SYNTHETIC^{key}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uid("study", key), uid("series", key)


VARIANTS: dict[str, Variant] = {
    **{name: _formed(form) for name, form in FORMS.items()},
    "voi_lut_8x4096": _formed(LUT_OF_BYTES),
    **{syntax: _compressed(syntax) for syntax in COMPRESSIONS},
    "half_spacing": Variant("read", _halved_spacing, PLAIN.error),
    "two_spacings": _edited("read", _two_spacings),
    "age_058y": _edited("read", _with(PatientAge="058Y")),
    "missing_laterality": _edited("read", _without("ImageLaterality")),
    "missing_view": _edited("read", _without("ViewCodeSequence", "ViewPosition")),
    "missing_age": _edited("read", _without("PatientAge")),
    "laterality_conflict": _edited("quarantined", _with(), laterality="R"),
    "truncated": Variant("quarantined", _truncated),
    "random_bytes": Variant("quarantined", _random_bytes),
    "wrong_modality": _edited("quarantined", _with(Modality="CR")),
    "implant": _edited("quarantined", _with(BreastImplantPresent="YES")),
    "duplicate_of_another_patient": _edited("quarantined", _of_another_patient),
    "view_marker": replace(_edited("read", _written("L-MLO")), error=None),
    "burned_in_label": _edited("refused", _written("J^ 1961")),
    "burned_in_breast": _edited("refused", _written("DOE^JANE 1961", over=True)),
    "burned_in_declared": _edited("refused", _with(BurnedInAnnotation="YES")),
    "telling_header": _edited("refused", _telling),
    "overlay_group": _edited("refused", _with_overlay),
    "private_tag": _edited("refused", _with_private),
    "age_over_89": _edited("refused", _with(PatientAge="092Y")),
    "not_deidentified": _edited(
        "refused",
        _without("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
    ),
}
