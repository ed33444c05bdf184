"""Toy designs from their parameters: each row of a component is an interval of distances from the axis.

The canvas is 64 x 64 with its axis at column 32; a pixel's fate depends on its row y and on d = |x - 32|
alone. So the picture is computed for d = 0..32; the stored left half is d = 32..1, and areas of the whole
canvas follow by counting d = 0 and d = 32 once (column 0 has no mirror image) and every other distance twice.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.toy_stream import Parameters

COMPONENTS = ("group_nc", "group_km", "fpu")
BACKGROUND = 3  # class ids of the label map are the channel numbers; what is left is background
SIDE = 64
HALF = 32

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Shapes(NamedTuple):
    """Rendered designs.

    Attributes:
        labels: uint8 (N, 64, 32), the left halves: channel numbers of :data:`COMPONENTS`, or the background.
        areas: int64 (N, 3), pixels of each component on the 64 x 64 canvas.
    """

    labels: NDArray[np.uint8]
    areas: NDArray[np.int64]


def render(parameters: Parameters) -> Shapes:
    """Draw the designs; the components of one design never overlap."""
    p = _Geometry(parameters)
    distance = np.arange(HALF + 1, dtype=np.float64)
    carcass = p.carcass_rows & (distance >= p.inner) & (distance <= p.outer)
    crown = _crown(p, distance, carcass)
    sidewall = p.leg_rows & (distance > p.outer) & (distance <= p.outer + p.wall) & ~carcass & ~crown
    once = np.full(HALF + 1, 2, dtype=np.int64)
    once[[0, HALF]] = 1
    masks = (carcass, crown, sidewall)
    labels = np.full(carcass.shape, BACKGROUND, dtype=np.uint8)
    for channel, mask in enumerate(masks):
        labels[mask] = channel
    areas = np.stack([mask.sum(axis=1) @ once for mask in masks], axis=1)
    return Shapes(np.ascontiguousarray(labels[:, :, :0:-1]), areas)


def split_channels(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The component masks uint8 (N, 3, 64, 32) in {0, 1} of a label map (N, 64, 32)."""
    images = np.empty((len(labels), len(COMPONENTS), *labels.shape[1:]), dtype=np.uint8)
    for channel in range(len(COMPONENTS)):
        np.equal(labels, channel, out=images[:, channel].view(np.bool_))
    return images


class _Geometry:
    """Row by row boundaries of a chunk of designs; shapes (N, 64, 1) where rows matter, else (N, 1, 1)."""

    def __init__(self, parameters: Parameters) -> None:
        crown, carcass, top, bottom, half_belly, half_bottom, belly, sidewall, lip = (
            np.asarray(column, dtype=np.float64)[:, None, None] for column in parameters
        )
        self.y = np.arange(SIDE, dtype=np.float64)[None, :, None]
        self.crown, self.top, self.half_belly = crown, top, half_belly
        self.middle = np.floor(top + belly * (bottom - top))
        self.arc = self.middle - top
        leg = bottom - self.middle
        self.carcass_rows = (self.y >= top) & (self.y <= bottom)
        self.leg_rows = (self.y > self.middle) & (self.y <= bottom)
        arch = self.y <= self.middle
        self.arc_outer = self.ellipse(half_belly, self.arc)
        arc_inner = self.ellipse(np.maximum(0, half_belly - carcass), np.maximum(0, self.arc - carcass))
        base = half_belly + _ease(self.y - self.middle, leg) * (half_bottom - half_belly)
        rounding = _lip(self.y - (bottom - lip), lip)
        self.outer = np.where(arch, self.arc_outer, base - rounding / 2)
        self.inner = np.where(arch, arc_inner, np.maximum(0, base - carcass) + rounding / 2)
        self.wall = crown + (self.y - self.middle) / leg * (sidewall - crown)  # thickness, linear in the row

    def ellipse(self, half_width: Array, height: Array) -> Array:
        """Half-width of an ellipse around the belly row; 0 where it has no points."""
        with np.errstate(divide="ignore", invalid="ignore"):
            root = 1 - ((self.y - self.middle) / height) ** 2
        return np.asarray(half_width * np.sqrt(np.where(root > 0, root, 0.0)))


def _crown(p: _Geometry, distance: Array, carcass: Mask) -> Mask:
    """The band between the carcass and a wider ellipse, and the cap above the carcass."""
    reach = p.arc + p.crown
    rows = (p.y <= p.middle) & (np.abs(p.y - p.middle) <= reach)
    inside = distance <= p.ellipse(p.half_belly + p.crown, reach)
    band = distance > p.arc_outer
    cap = p.y < p.top + p.crown
    return np.asarray(rows & inside & (band | cap) & ~carcass)


def _lip(below: Array, radius: Array) -> Array:
    """Rounding of the lip over the last rows, where ``below`` runs from 0 to ``radius``; else 0."""
    inside = np.clip(1 - (below / radius) ** 2, 0.0, 1.0)
    return np.where((below >= 0) & (below <= radius), radius * (1 - np.sqrt(inside)), 0.0)


def _ease(row: Array, rows: Array) -> Array:
    """(1 - cos(pi row / rows)) / 2 for rows of the leg, from a table; the table's edge outside."""
    return _ease_table()[rows.astype(np.int64), np.clip(row, 0, SIDE).astype(np.int64)]


@lru_cache(maxsize=1)
def _ease_table() -> Array:
    """The cosine ramp for every leg of 1..64 rows.

    By ``math.cos``, not numpy's: where the ramp meets a whole pixel the last bit decides, and numpy's vector
    cosine differs in it between processors.
    """
    table = np.zeros((SIDE + 1, SIDE + 1))
    for rows in range(1, SIDE + 1):
        for row in range(SIDE + 1):
            table[rows, row] = 0.5 * (1 - math.cos(math.pi * (row / rows)))
    return table
