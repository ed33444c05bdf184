"""A synthetic mammogram: patient, view and seed to the images of one exposure and the truth about them.

A physical sketch, not anatomy: one projection of a two-dimensional model of tissue and thickness, without
vessels, folds or markers. It serves to test software and to see trends, never clinical claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.mammography.phantom_acquisition import attenuated, detected, processed
from epuredgm.data.mammography.phantom_grid import Field, Grid, Mask
from epuredgm.data.mammography.phantom_lesions import Finding, Kind, attenuation, draw_lesion
from epuredgm.data.mammography.phantom_outline import draw_pose, outline, thickness
from epuredgm.data.mammography.phantom_patient import Patient, Side, View
from epuredgm.data.mammography.phantom_tissue import gland_share

VERSION = 1  # raise when equal seeds would give other images


@dataclass(frozen=True)
class Box:
    """Where a mass lies: pixels x0 <= x < x1, y0 <= y < y1 of the image as written."""

    kind: Kind
    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True)
class Exposure:
    """One exposure, as written: the chest wall on the left of left breasts, on the right of right ones.

    Attributes:
        patient: who.
        side: which breast.
        view: CC or MLO.
        take: 0, or the number of the repeat.
        grid: rows, columns and size of pixels.
        presentation: (H, W) in [0, 1], dense is bright, air is 0.
        counts: (H, W), about 1 in air: what the detector counted.
        breast: (H, W), the muscle included.
        pectoral: (H, W); empty in CC.
        gland_fraction: realised share of glandular tissue outside the muscle.
        lesions: boxes of the masses.
    """

    patient: Patient
    side: Side
    view: View
    take: int
    grid: Grid
    presentation: Field
    counts: Field
    breast: Mask
    pectoral: Mask
    gland_fraction: float
    lesions: tuple[Box, ...]


def expose(
    patient: Patient, side: Side, view: View, grid: Grid, findings: Sequence[Finding] = (), take: int = 0
) -> Exposure:
    """One exposure; equal arguments give equal bits.

    Repeats (``take`` above 0) show the same tissue positioned anew, with other quantum noise.

    Args:
        findings: of the patient; those of the other breast do not show.
    """
    pose = draw_pose(patient, grid, view, patient.stream("pose", side, view, take))
    breast, pectoral, muscle_depth = outline(pose, grid)
    skin, thick = thickness(breast, pose, grid, patient.thickness)
    gland = gland_share(patient, side, pose, grid, breast, pectoral, skin)
    extra, boxes = np.zeros(grid.shape, dtype=np.float32), []
    for finding in findings:
        if finding.side == side:
            added, box = attenuation(draw_lesion(patient, finding), pose, grid)
            extra += added
            boxes.append(Box(finding.kind, *box))
    exponent = attenuated(gland, thick, skin, muscle_depth, extra)
    counts = detected(exponent, grid, patient.stream("quanta", side, view, take))
    presentation = processed(counts, breast, thick, patient.thickness, grid)
    realised = float(gland[breast & ~pectoral].mean(dtype=np.float64))
    return Exposure(
        patient=patient,
        side=side,
        view=view,
        take=take,
        grid=grid,
        presentation=as_written(presentation, side),
        counts=as_written(counts, side),
        breast=as_written(breast, side),
        pectoral=as_written(pectoral, side),
        gland_fraction=realised,
        lesions=tuple(box if side == "L" else _mirrored(box, grid) for box in boxes),
    )


def as_written(image: NDArray[Any], side: Side) -> NDArray[Any]:
    """Between the canonical frame and the image as written, either way: right breasts are mirrored."""
    return image if side == "L" else np.ascontiguousarray(image[:, ::-1])


def _mirrored(box: Box, grid: Grid) -> Box:
    return Box(box.kind, grid.width - box.x1, box.y0, grid.width - box.x0, box.y1)
