"""What is to be found: masses, with spicules and calcifications or without, the same in both views."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.mammography.phantom_grid import Field, Grid
from epuredgm.data.mammography.phantom_outline import Pose
from epuredgm.data.mammography.phantom_patient import Patient, Side

Kind = Literal["malignant", "benign"]
FAT, GLAND, CARCINOMA, MUSCLE, CALCIUM = 0.0456, 0.0802, 0.0844, 0.0820, 1.2  # attenuation per mm near 20 keV
ROUGHNESS = {"malignant": 0.12, "benign": 0.03}  # of the rim, relative to the radius
CALCIFIED = 0.5  # share of malignant masses with calcifications
SPICULE_PATH = 5.5  # mm: what can be seen in dense tissue
FINEST = 0.2  # mm; masses are sampled at least this finely, then averaged over pixels
CLEAR = 1.5  # mm between lesion and its box


@dataclass(frozen=True)
class Finding:
    """What is in which breast of a patient."""

    kind: Kind
    side: Side


@dataclass(frozen=True)
class Lesion:
    """A lesion's shape; angles in radians, lengths in mm.

    Attributes:
        kind: malignant or benign.
        distance: to the nipple, over the breast's depth; the same in both views.
        bearing: of the lesion seen from the nipple in CC, 0 straight towards the chest wall.
        radius: mean radius of the mass.
        waves: amplitude and phase of the rim's 2nd to 6th harmonics, (5, 2).
        rays: angle, half-width and length of each spicule, (n, 3).
        grains: offset x and y and diameter of each calcification, (m, 3).
    """

    kind: Kind
    distance: float
    bearing: float
    radius: float
    waves: NDArray[np.float64]
    rays: NDArray[np.float64]
    grains: NDArray[np.float64]

    @property
    def reach(self) -> float:
        """Farthest extent from the centre."""
        rim = self.radius * (1 + np.abs(self.waves[:, 0]).sum())
        grains = np.abs(self.grains[:, :2]).max(initial=0.0) + 0.5
        return float(max(rim, self.rays[:, 2].max(initial=0.0), grains))

    def centre(self, pose: Pose) -> tuple[float, float]:
        """Where it lies in a view: x, y in mm."""
        angle = self.bearing if pose.view == "CC" else -0.8 * self.bearing
        x, y = pose.nipple
        away = self.distance * pose.depth
        return x - away * math.cos(angle), y + away * math.sin(angle)


def draw_lesion(patient: Patient, finding: Finding) -> Lesion:
    """The lesion of a finding; one finding a breast."""
    rng = patient.stream("lesion", finding.side, finding.kind)
    malignant = finding.kind == "malignant"
    distance, bearing = rng.uniform(0.25, 0.65), rng.uniform(-0.7, 0.7)
    radius = float(np.clip(np.exp(rng.normal(math.log(6.0), 0.35)), 2.5, 13.0))
    orders = np.arange(2, 7)
    waves = np.stack(
        [rng.normal(0, ROUGHNESS[finding.kind], 5) / np.sqrt(orders), rng.uniform(0, 2 * np.pi, 5)], axis=1
    )
    n_rays = int(rng.integers(10, 22)) if malignant else 0
    rays = np.stack(
        [
            rng.uniform(0, 2 * np.pi, n_rays),
            rng.uniform(0.25, 0.5, n_rays),
            radius * rng.uniform(1.2, 2.6, n_rays),
        ],
        axis=1,
    )
    n_grains = int(rng.integers(6, 25)) if malignant and rng.random() < CALCIFIED else 0
    grains = np.column_stack([rng.normal(0, 0.6 * radius, (n_grains, 2)), rng.uniform(0.25, 0.7, n_grains)])
    return Lesion(finding.kind, distance, bearing, radius, waves, rays, grains)


def attenuation(lesion: Lesion, pose: Pose, grid: Grid) -> tuple[Field, tuple[int, int, int, int]]:
    """What the lesion adds to the attenuation, (H, W), dimensionless, and the box of its mass.

    The box is x0, y0, x1, y1 in pixels, the ends excluded, clipped to the field.
    """
    extra = np.zeros(grid.shape, dtype=np.float32)
    x, y = lesion.centre(pose)
    y += grid.height_mm / 2
    contrast = (CARCINOMA if lesion.kind == "malignant" else GLAND) - FAT
    step = max(1, math.ceil(grid.pixel / FINEST))
    window = _window(x, y, lesion.reach, grid)
    dx, dy = _offsets(window, x, y, grid, step)
    extra[window] += _block_mean(contrast * _mass_path(lesion, dx, dy), step)
    for gx, gy, diameter in lesion.grains:
        near = _window(x + gx, y + gy, diameter / 2, grid)
        fine = max(1, math.ceil(grid.pixel / 0.05))
        dx, dy = _offsets(near, x + gx, y + gy, grid, fine)
        path = 2 * np.sqrt(np.clip((diameter / 2) ** 2 - dx * dx - dy * dy, 0, None))
        extra[near] += _block_mean((CALCIUM - FAT) * path, fine)
    rim = lesion.radius * (1 + float(np.abs(lesion.waves[:, 0]).sum())) + CLEAR
    rows, columns = _window(x, y, rim, grid)
    return extra, (columns.start, rows.start, columns.stop, rows.stop)


def _mass_path(lesion: Lesion, dx: Field, dy: Field) -> Field:
    """Path through the mass and its spicules in mm; ``dx``, ``dy`` (h, w) are offsets from its centre."""
    r, phi = np.hypot(dx, dy), np.arctan2(dy, dx)
    rim = np.ones_like(r)
    for order, (amplitude, phase) in enumerate(lesion.waves, start=2):
        rim += amplitude * np.cos(order * phi + phase)
    rim = lesion.radius * np.maximum(rim, 0.2)
    path = 2 * lesion.radius * np.sqrt(np.clip(1 - (r / rim) ** 2, 0, 1))
    spicules = np.zeros_like(r)
    for angle, width, length in lesion.rays:
        along = dx * math.cos(angle) + dy * math.sin(angle)
        across = dy * math.cos(angle) - dx * math.sin(angle)
        fade = np.clip((length - along) / (length - lesion.radius), 0, 1) * (along > 0)  # full at the rim
        spicules = np.maximum(spicules, SPICULE_PATH * fade * np.exp(-0.5 * (across / width) ** 2))
    return np.asarray(np.maximum(path, spicules), dtype=np.float32)  # a spicule inside the mass is mass


def _window(x: float, y: float, reach: float, grid: Grid) -> tuple[slice, slice]:
    """The pixels within ``reach`` of a place, at least one, clipped to the field."""

    def along(centre: float, count: int) -> slice:
        start = min(max(math.floor((centre - reach) / grid.pixel), 0), count - 1)
        return slice(start, min(max(math.ceil((centre + reach) / grid.pixel), start + 1), count))

    return along(y, grid.height), along(x, grid.width)


def _offsets(window: tuple[slice, slice], x: float, y: float, grid: Grid, step: int) -> tuple[Field, Field]:
    """Offsets in mm of the window's pixels, each split into step x step, from the place x, y: both (h, w)."""
    rows, columns = window
    dy = np.arange(rows.start * step, rows.stop * step) + 0.5
    dx = np.arange(columns.start * step, columns.stop * step) + 0.5
    scale = grid.pixel / step
    across, down = np.meshgrid(dx * scale - x, dy * scale - y)
    return across.astype(np.float32), down.astype(np.float32)


def _block_mean(fine: Field, step: int) -> Field:
    rows, columns = fine.shape[0] // step, fine.shape[1] // step
    means: Field = fine.reshape(rows, step, columns, step).mean(axis=(1, 3), dtype=np.float32)
    return means
