"""Folders of small mammograms in any layout, with a table: who is whom is the maker's to say."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from dicom_makers import Change, as_bytes, breast, mammogram
from PIL import Image

HEAD = ("File Path", "Image Laterality", "View Position", "Age", "Cancer", "False Positive")
VIEWS = (("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO"))


@dataclass(frozen=True)
class Shot:
    """One picture of a woman.

    Attributes:
        woman: her number, from 0.
        number: of the picture, from 0.
        side, view: as in ``VIEWS``.
    """

    woman: int
    number: int
    side: str
    view: str


@dataclass
class Made:
    """A folder: its shots by place."""

    root: Path
    places: dict[str, Shot] = field(default_factory=dict)


def shots(women: int, views: int = 4) -> list[Shot]:
    """``views`` pictures each of some women."""
    return [Shot(woman, number, *VIEWS[number % 4]) for woman in range(women) for number in range(views)]


def folder_of(
    root: Path,
    given: Iterable[Shot],
    place: Callable[[Shot], str],
    *,
    patient_id: Callable[[Shot], str] | None = None,
    columns: Sequence[str] = (),
    cells: Callable[[Shot], Sequence[str]] = lambda shot: (),
    age: Callable[[Shot], str] = lambda shot: str(50 + shot.woman % 30),
    change: Change | None = None,
    levels: Callable[[np.ndarray], np.ndarray] | None = None,
    **kinds: Any,
) -> Made:
    """Write files and ``metadata.csv``: DICOM where the place ends in ``.dcm``, else PNG of 8 bits, or of
    ``levels`` of values in [0, 1].

    Args:
        root: of the data set.
        given: the pictures.
        place: of a file below the root.
        patient_id: of the header; empty by default.
        columns, cells: further columns of the table.
        age: cell of the table; the header has none.
        change: of every DICOM file.
        levels: stored values of PNG files.
        kinds: of :func:`dicom_makers.mammogram`.
    """
    made = Made(root)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow([*HEAD, *columns])
    for shot in given:
        path = root / place(shot)
        path.parent.mkdir(parents=True, exist_ok=True)
        values = breast(side=shot.side, seed=100 * shot.woman + shot.number)
        if path.suffix == ".dcm":
            dataset = mammogram(values, side=shot.side, view=shot.view, **kinds)
            dataset.PatientAge = ""
            dataset.PatientID = "" if patient_id is None else patient_id(shot)
            dataset.SOPInstanceUID = f"2.25.{1000 + 100 * shot.woman + shot.number}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            if change is not None:
                change(dataset)
            path.write_bytes(as_bytes(dataset))
        else:
            stored = np.rint(values * 255).astype(np.uint8) if levels is None else levels(values)
            Image.fromarray(stored).save(path, "PNG")
        made.places[place(shot)] = shot
        table.writerow([place(shot), shot.side, shot.view, age(shot), 0, 0, *cells(shot)])
    (root / "metadata.csv").write_text(text.getvalue(), newline="")
    return made
