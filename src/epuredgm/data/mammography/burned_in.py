"""The gate at the pixels: text that is burned into the picture, beside the breast or over it.

View markers (:mod:`view_marker`) beside the breast are no finding: they name nobody, and are cut away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from epuredgm.data.mammography.breast import Breast
from epuredgm.data.mammography.findings import Finding
from epuredgm.data.mammography.lettering import Line, lines_of_letters
from epuredgm.data.mammography.view_marker import MOST, is_marker

BESIDE = Finding("", "", "bright things outside the breast look like text")
OVER = Finding("", "", "things over the breast look like text")
MARK_CONTRAST = 0.2  # of the full range above air: markers and labels are bright
GLYPH = (0.012, 0.15)  # height of a glyph relative to the picture's
FILLED = 0.3  # of its box, that letters which touch fill at least; edges of paddles and films fill less
LONGEST = 10.0  # of its height, that such letters are wide at most: wires and edges of paddles are longer
NEAR = 1.5  # between things that belong together, relative to the larger one's height

Boxes = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Bright:
    """Bright things beside the breast: boxes (n, 4) in pixels, and shapes."""

    boxes: Boxes
    shapes: tuple[Mask, ...]

    def part(self, chosen: Sequence[int] | NDArray[np.int64]) -> Bright:
        """Some of them."""
        return Bright(self.boxes[chosen], tuple(self.shapes[one] for one in chosen))


def inspect_pixels(pixels: NDArray[np.float32], breast: Breast) -> tuple[Finding, ...]:
    """What looks like text: lines of letters anywhere, and small bright things beside the breast.

    Args:
        pixels: (H, W) in [0, 1].
        breast: where the breast is.
    """
    lines = lines_of_letters(pixels, breast.small, breast.mask, MOST)
    over = [line for line in lines if _is_over(line, breast.mask)]
    others = [line for line in lines if not _is_over(line, breast.mask)]
    markers = [_box_of(line.boxes) for line in others if is_marker(line.boxes, line.shapes)]
    texts = [line for line in others if not any(_within(line.boxes, marker).all() for marker in markers)]
    beside = bool(texts) or _is_text(_bright(pixels, breast), pixels.shape[0], markers)
    return (*([BESIDE] if beside else []), *([OVER] if over else []))


def _is_over(line: Line, mask: Mask) -> bool:
    """Whether half of a line's letters or more lie on the breast."""
    rows, columns = ((line.boxes[:, side] + line.boxes[:, side + 2]) / 2 for side in (0, 1))
    last_row, last_column = (side - 1 for side in mask.shape)
    places = np.minimum(rows.astype(np.int64), last_row), np.minimum(columns.astype(np.int64), last_column)
    return bool(mask[places].mean() >= 0.5)


def _box_of(boxes: Boxes) -> Boxes:
    """The box of a marker, half a letter wider on each side."""
    around = (boxes[:, 2:] - boxes[:, :2]).max() / 2
    return np.concatenate([boxes[:, :2].min(axis=0) - around, boxes[:, 2:].max(axis=0) + around])


def _within(boxes: Boxes, outer: Boxes) -> Mask:
    return np.asarray((boxes[:, :2] >= outer[:2]).all(axis=1) & (boxes[:, 2:] <= outer[2:]).all(axis=1))


def _is_text(bright: Bright, rows: int, markers: Sequence[Boxes]) -> bool:
    """Whether bright things look like text: several of a glyph's size, or letters that touch in a line."""
    if not len(bright.boxes):
        return False
    known = np.zeros(len(bright.boxes), dtype=np.bool_)
    for marker in markers:
        known |= _within(bright.boxes, marker)
    for group in _groups(bright.boxes):
        together = bright.part(group)
        known[group] |= is_marker(together.boxes, together.shapes)
    rest = bright.part(np.flatnonzero(~known))
    heights, widths = (rest.boxes[:, 2:] - rest.boxes[:, :2]).T
    small = (heights >= max(3.0, GLYPH[0] * rows)) & (heights <= GLYPH[1] * rows)
    filled = np.array([shape.mean() for shape in rest.shapes]) >= FILLED
    wide, edge = widths > 1.5 * heights, widths > LONGEST * heights
    return bool((small & ~wide).sum() >= 2 or (small & wide & ~edge & filled).any())


def _groups(boxes: Boxes) -> list[NDArray[np.int64]]:
    """Places of things that are near to each other."""
    gaps = np.maximum(boxes[:, None, :2] - boxes[None, :, 2:], boxes[None, :, :2] - boxes[:, None, 2:])
    heights = boxes[:, 2] - boxes[:, 0]
    near = gaps.max(axis=2) <= NEAR * np.maximum(heights[:, None], heights)
    _, labels = connected_components(csr_array(near))
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _bright(pixels: NDArray[np.float32], breast: Breast) -> Bright:
    """Bright things outside the breast that are neither dust nor as large as a film's border."""
    bright = (pixels > breast.air + MARK_CONTRAST) & ~breast.mask
    if not bright.any():
        return Bright(np.empty((0, 4)), ())
    rows = pixels.shape[0]
    around = max(1, round(rows / 200))
    where = _box(bright, around)  # of the rest of the picture nothing depends
    rim = ndimage.maximum_filter(breast.mask[where].astype(np.uint8), 2 * around + 1)
    labels, _ = ndimage.label(bright[where] & (rim == 0), np.ones((3, 3)))
    boxes, shapes = [], []
    for number, (down, across) in enumerate(ndimage.find_objects(labels), start=1):
        height = down.stop - down.start
        if 3 <= height <= GLYPH[1] * rows:
            boxes.append((down.start, across.start, down.stop, across.stop))
            shapes.append(labels[down, across] == number)
    corner = np.array([where[0].start, where[1].start] * 2)
    return Bright(np.array(boxes, dtype=np.float64).reshape(-1, 4) + corner, tuple(shapes))


def _box(bright: NDArray[np.bool_], around: int) -> tuple[slice, slice]:
    """The box of all that is bright, ``around`` pixels larger where the picture goes on."""
    rows, columns = (np.flatnonzero(bright.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, rows[0] - around), rows[-1] + 1 + around),
        slice(max(0, columns[0] - around), columns[-1] + 1 + around),
    )
