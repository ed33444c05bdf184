"""How a breast lies on the detector: its outline, the pectoral muscle behind it, and its thickness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from epuredgm.data.mammography.phantom_grid import Field, Grid, Mask
from epuredgm.data.mammography.phantom_patient import Patient, View

TILT = 0.12  # in MLO the breast sinks by this much per mm from the chest wall
ABOVE, BELOW = 1.25, 0.85  # in MLO, half-heights above and below the nipple line over that in CC
TAIL = 12.0  # mm of the axillary tail beyond the muscle, at the top
TAIL_END = 0.9  # the tail ends at this share of the muscle's length
MUSCLE_REACH = 0.45  # in MLO the breast begins above this share of the muscle's length: it hangs from it


@dataclass(frozen=True)
class Pose:
    """Where the breast lies in one exposure, canonical frame, in mm.

    Attributes:
        view: CC or MLO.
        depth: chest wall to nipple.
        half: half-height in CC; in MLO 1.25 of it above the nipple line and 0.85 below.
        level: y at which the nipple line meets the chest wall.
        exponent: of the superellipse.
        muscle_width: of the pectoral muscle at the top edge; 0 in CC.
        muscle_length: of its edge along the chest wall; 0 in CC.
    """

    view: View
    depth: float
    half: float
    level: float
    exponent: float
    muscle_width: float
    muscle_length: float

    @property
    def tilt(self) -> float:
        """Slope of the nipple line."""
        return TILT if self.view == "MLO" else 0.0

    @property
    def nipple(self) -> tuple[float, float]:
        """Its x and y."""
        return self.depth, self.level + self.tilt * self.depth

    def below_line(self, x: Field, y: Field) -> Field:
        """y', distance below the nipple line, measured along y: (H, W)."""
        return np.asarray(y - self.level - self.tilt * x, dtype=np.float32)


def draw_pose(patient: Patient, grid: Grid, view: View, rng: np.random.Generator) -> Pose:
    """How the patient was positioned this time: 2 % jitter of the depth, 3 mm of the height."""
    depth = min(patient.depth * (1 + 0.02 * rng.standard_normal()), 0.92 * grid.width_mm)
    half = min(depth * patient.ratio, 0.46 * grid.height_mm)
    shift = rng.normal(0.0, 3.0)
    if view == "CC":
        return Pose(view, depth, half, shift, patient.exponent, 0.0, 0.0)
    length = patient.pectoral_width / math.tan(patient.pectoral_angle)
    lowest = -grid.height_mm / 2 + MUSCLE_REACH * length + ABOVE * half  # of a breast that reaches its tail
    level = min(0.10 * grid.height_mm + shift, lowest)
    return Pose(view, depth, half, level, patient.exponent, patient.pectoral_width, length)


def outline(pose: Pose, grid: Grid) -> tuple[Mask, Mask, Field]:
    """Breast (H, W), which includes the muscle; pectoral muscle (H, W); and depth inside the muscle in mm."""
    x, y = grid.axes()
    line = pose.below_line(x, y)
    above, below = (ABOVE, BELOW) if pose.view == "MLO" else (1.0, 1.0)
    half = np.where(line < 0, above, below) * pose.half
    breast = (x / pose.depth) ** pose.exponent + (np.abs(line) / half) ** pose.exponent <= 1
    if pose.view == "CC":
        return (
            _one_piece(breast, grid),
            np.zeros(grid.shape, dtype=np.bool_),
            np.zeros(grid.shape, np.float32),
        )
    top = y + grid.height_mm / 2  # t: distance from the top edge, (H, 1)
    share = 1 - top / pose.muscle_length
    edge = pose.muscle_width * share + 2 * np.sin(top / 15)
    tail = (x < edge + TAIL * share) & (top < TAIL_END * pose.muscle_length)
    breast = _one_piece(breast | tail, grid)
    pectoral = breast & (x < edge) & (top < pose.muscle_length)
    lean = math.atan2(pose.muscle_width, pose.muscle_length)
    inside = np.where(pectoral, (edge - x) * math.cos(lean), 0.0)  # distance to the muscle's edge
    return breast, pectoral, inside.astype(np.float32)


def _one_piece(mask: Mask, grid: Grid) -> Mask:
    """Filled, opened by 2 mm, largest piece; the chest wall and the field's edges are no border."""
    radius = max(1, round(2.0 / grid.pixel))
    filled = ndimage.binary_fill_holes(np.pad(mask, radius, mode="edge"))
    eroded = ndimage.distance_transform_edt(filled) > radius
    opened = ndimage.distance_transform_edt(~eroded) <= radius
    opened = opened[radius:-radius, radius:-radius]
    labels, count = ndimage.label(opened)
    if count < 2:
        return np.asarray(opened, dtype=np.bool_)
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))


def thickness(breast: Mask, pose: Pose, grid: Grid, compressed: float) -> tuple[Field, Field]:
    """Distance to the skin, and thickness of a breast compressed to ``compressed``, both (H, W) in mm.

    The distance is exact up to half the thickness and no greater: nothing depends on more. The chest wall is
    no skin, nor in MLO the top edge.
    """
    reach = math.ceil(compressed / 2 / grid.pixel) + 1
    padded = np.pad(breast, ((reach if pose.view == "MLO" else 0, 0), (reach, 0)), mode="edge")
    rows, columns = np.nonzero(padded.any(axis=1))[0], np.nonzero(padded.any(axis=0))[0]
    box = (slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(0, columns[-1] + 2))
    distance = np.zeros(padded.shape, dtype=np.float32)
    distance[box] = ndimage.distance_transform_edt(padded[box]) * grid.pixel
    distance = distance[-grid.height :, reach:]
    skin = np.clip(distance - grid.pixel / 2, 0, None) * breast  # pixel centres are half a pixel inside
    skin = np.minimum(skin, compressed / 2).astype(np.float32)
    rim = 1 - 2 * skin / compressed
    thick = compressed * np.sqrt(np.clip(1 - rim * rim, 0, 1)) * breast
    return skin, thick.astype(np.float32)
