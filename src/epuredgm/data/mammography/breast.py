"""The breast in a picture: found, cut out, turned to one side and brought to one size, with its scale kept.

The canonical frame has the chest wall at the left border (column 0) and the nipple to the right; everything
outside the breast is 0, so that markers, labels and most burned-in text are gone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array

from epuredgm.data.mammography.faults import Unreadable

LEFT, RIGHT = "left", "right"
CHEST = {"L": LEFT, "R": RIGHT}  # border at which the chest wall of each breast lies
WORKING_SIDE = 512  # pixels of the shorter side that the mask is found on
CORNER = 1 / 16  # side of the corners that air is measured in
LEVELS = 1024  # bins of their histogram
DEVIATIONS = 5.0  # median absolute deviations above air
LEAST_STEP = 0.015  # smallest step above air: the faintest skin has 0.03
OPENING = 1 / 200  # radius relative to the shorter side
SIZEABLE = 0.01  # of the breast's area: smaller components are markers and dust
MOST_COMPONENTS = 3
AREA = (0.05, 0.8)  # share of the picture
TOUCHING = 0.02  # of a border's length


@dataclass(frozen=True)
class Breast:
    """Where the breast is.

    Attributes:
        mask: bool (H, W).
        chest: border with the chest wall, ``left`` or ``right``.
        air: level of air.
        threshold: level above which there is something.
        components: sizeable things in the picture, the breast among them.
        area: share of the picture.
        anterior: share of the border opposite to the chest wall that the breast touches.
        small: float32 (h, w), means of the blocks of pixels that the mask was found on.
    """

    mask: NDArray[np.bool_]
    chest: str
    air: float
    threshold: float
    components: int
    area: float
    anterior: float
    small: NDArray[np.float32] = field(repr=False)

    def doubts(self, laterality: str | None = None) -> tuple[str, ...]:
        """Why the picture should be looked at before it is used; empty if nothing is wrong.

        ``several_components``, ``area_small``, ``area_large``, ``clipped`` (at the border opposite to the
        chest wall), ``side`` (tissue touches the border that contradicts ``laterality``).
        """
        found = {
            "several_components": self.components > MOST_COMPONENTS,
            "area_small": self.area < AREA[0],
            "area_large": self.area > AREA[1],
            "clipped": self.anterior > TOUCHING,
            "side": laterality is not None and CHEST[laterality] != self.chest,
        }
        return tuple(doubt for doubt, holds in found.items() if holds)


@dataclass(frozen=True)
class Frame:
    """Where a canonical picture comes from, in pixels of the source after turning it.

    Attributes:
        top, left: upper left corner; may lie outside of the source.
        height, width: size of the cut.
        flipped: whether the source was mirrored to bring the chest wall to the left.
        columns: columns of the source.
    """

    top: float
    left: float
    height: float
    width: float
    flipped: bool
    columns: int

    def to_source(self, y: float, x: float, shape: tuple[int, int]) -> tuple[float, float]:
        """The place in the source (pixel edges count from 0) of a place in the canonical picture (H, W)."""
        row = self.top + y * self.height / shape[0]
        column = self.left + x * self.width / shape[1]
        return row, self.columns - column if self.flipped else column


@dataclass(frozen=True)
class Canonical:
    """A breast in the canonical frame.

    Attributes:
        pixels: float32 (H, W) in [0, 1], 0 outside the breast.
        mask: bool (H, W).
        mm_per_pixel: None if it is not known in the source.
        frame: where it was cut.
    """

    pixels: NDArray[np.float32]
    mask: NDArray[np.bool_]
    mm_per_pixel: float | None
    frame: Frame

    @property
    def foreground(self) -> float:
        """Share of the picture that is breast."""
        return float(self.mask.mean())


def find_breast(pixels: NDArray[np.float32]) -> Breast:
    """Find the breast in presentation values (H, W) in [0, 1]: the largest thing at the chest wall.

    The chest wall is at the brighter of the two side borders; air is measured in the corners of the other.

    Raises:
        Unreadable: no_breast.
    """
    factor = max(1, min(pixels.shape) // WORKING_SIDE)
    small = _reduced(pixels, factor)
    strip = max(1, round(small.shape[1] * TOUCHING))
    chest = LEFT if small[:, :strip].mean() >= small[:, -strip:].mean() else RIGHT
    turned = small if chest == LEFT else small[:, ::-1]
    air, threshold = _above_air(turned)
    bright = _opened(turned > threshold, max(1, round(min(small.shape) * OPENING)))
    labels, _ = ndimage.label(bright)
    areas = np.bincount(labels.ravel())
    at_chest = np.setdiff1d(np.unique(labels[:, :strip]), [0])
    if not len(at_chest):
        raise Unreadable("no_breast")
    largest = at_chest[np.argmax(areas[at_chest])]
    mask = _filled(labels == largest)
    components = int((areas[1:] >= SIZEABLE * mask.sum()).sum())
    anterior = float(mask[:, -1].mean())
    mask = mask if chest == LEFT else mask[:, ::-1]
    mask = mask.repeat(factor, axis=0).repeat(factor, axis=1)[: pixels.shape[0], : pixels.shape[1]]
    return Breast(mask, chest, air, threshold, components, float(mask.mean()), anterior, small)


def canonical(
    pixels: NDArray[np.float32],
    breast: Breast,
    mm_per_pixel: float | None,
    size: tuple[int, int],
    margin: float = 0.02,
) -> Canonical:
    """Cut the breast out and bring it to the canonical frame.

    The cut is the breast's box and a margin, from the chest wall on; it is widened to the aspect of ``size``
    (to the right, or equally up and down), so that nothing is distorted and the chest wall stays at column 0.

    Args:
        pixels: (H, W) in [0, 1].
        breast: where it is.
        mm_per_pixel: of ``pixels``.
        size: (rows, columns) of the result.
        margin: above, below and before the nipple, relative to the breast's height.
    """
    flipped = breast.chest == RIGHT
    mask = breast.mask[:, ::-1] if flipped else breast.mask
    kept = (pixels[:, ::-1] if flipped else pixels) * mask
    frame = _frame(mask, flipped, size, margin)
    scale = frame.height / size[0]
    return Canonical(
        area_average(kept, frame, size).astype(np.float32),
        area_average(mask, frame, size) >= 0.5,
        None if mm_per_pixel is None else mm_per_pixel * scale,
        frame,
    )


def area_average(picture: NDArray[np.generic], frame: Frame, size: tuple[int, int]) -> NDArray[np.float64]:
    """The mean of ``picture`` over each cell of a grid laid over ``frame``, float64 ``size``; 0 outside.

    Exact for any ratio: a cell takes of each pixel the share that lies in it. Only a few pixels of a row or
    column do, so both steps are products with sparse matrices.
    """
    kind = np.float64 if picture.dtype == np.float64 else np.float32  # what is not double need not be
    rows = _shares(picture.shape[0], frame.top, frame.height, size[0]).astype(kind)
    columns = _shares(picture.shape[1], frame.left, frame.width, size[1])
    return np.asarray((columns @ (rows @ picture.astype(kind, copy=False)).T).T)


def _shares(pixels: int, start: float, length: float, cells: int) -> csr_array[np.float64]:
    """Of each of ``cells`` equal intervals, the shares that lie in each of ``pixels``: (cells, pixels)."""
    edges = start + np.arange(cells + 1) * (length / cells)
    reached = np.arange(int(np.ceil(length / cells)) + 1)
    first = np.floor(edges[:-1, None]).astype(np.int64) + reached  # the pixels that an interval may reach
    overlap = np.minimum(edges[1:, None], first + 1) - np.maximum(edges[:-1, None], first)
    cell, step = np.nonzero((overlap > 0) & (first >= 0) & (first < pixels))
    shares = overlap[cell, step] * (cells / length)
    return csr_array((shares, (cell, first[cell, step])), shape=(cells, pixels))


def _frame(mask: NDArray[np.bool_], flipped: bool, size: tuple[int, int], margin: float) -> Frame:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    around = margin * (rows[-1] + 1 - rows[0])
    height, width = rows[-1] + 1 - rows[0] + 2 * around, columns[-1] + 1 + around
    centre = (rows[0] + rows[-1] + 1) / 2
    height = max(height, width * size[0] / size[1])
    width = height * size[1] / size[0]
    return Frame(float(centre - height / 2), 0.0, float(height), float(width), flipped, mask.shape[1])


def _reduced(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means of ``factor`` x ``factor`` blocks; the last ones repeat the border."""
    if factor == 1:
        return pixels
    over = [-side % factor for side in pixels.shape]
    padded = np.pad(pixels, [(0, more) for more in over], mode="edge") if any(over) else pixels
    across = functools.reduce(np.add, [padded[:, first::factor] for first in range(factor)])
    total = functools.reduce(np.add, [across[first::factor] for first in range(factor)])
    return np.asarray(total / factor**2, dtype=np.float32)


def _above_air(turned: NDArray[np.float32]) -> tuple[float, float]:
    """Level of air in the corners away from the chest wall (their commonest level), and a step above it."""
    rows, columns = (max(4, round(side * CORNER)) for side in turned.shape)
    corners = np.concatenate([turned[:rows, -columns:].ravel(), turned[-rows:, -columns:].ravel()])
    bins = np.minimum((corners * LEVELS).astype(np.int64), LEVELS - 1)
    commonest = np.bincount(bins, minlength=LEVELS).argmax()
    air = float(np.median(corners[bins == commonest]))
    spread = float(np.median(np.abs(corners - air)))
    return air, air + max(DEVIATIONS * spread, LEAST_STEP)


def _opened(bright: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Opening by a diamond; tissue goes on behind the borders."""
    shape = ndimage.generate_binary_structure(2, 1)
    eroded = ndimage.binary_erosion(bright, shape, iterations=radius, border_value=1)
    return np.asarray(ndimage.binary_dilation(eroded, shape, iterations=radius), dtype=np.bool_)


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without holes; the chest wall closes those at the left border."""
    rows = np.flatnonzero(mask[:, 0]) if mask[:, 0].any() else np.flatnonzero(mask.any(axis=1))
    dark = np.pad(~mask, 1, constant_values=True)  # all around is one with what is not a hole
    dark[rows[0] + 1 : rows[-1] + 2, 0] = False
    labels, _ = ndimage.label(dark)
    return np.asarray(labels[1:-1, 1:-1] != labels[0, 0], dtype=np.bool_)
