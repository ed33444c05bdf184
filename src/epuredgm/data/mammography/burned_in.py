"""The gate at the pixels: text that is burned into the picture beside the breast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from epuredgm.data.mammography.breast import Breast
from epuredgm.data.mammography.findings import Finding

MARK_CONTRAST = 0.2  # of the full range above air: markers and labels are bright
GLYPH = (0.012, 0.15)  # height of a glyph relative to the picture's


def inspect_pixels(pixels: NDArray[np.float32], breast: Breast) -> tuple[Finding, ...]:
    """Bright things outside the breast that look like text: small, and several, or in a line.

    Args:
        pixels: (H, W) in [0, 1].
        breast: where the breast is.
    """
    rows = pixels.shape[0]
    bright = (pixels > breast.air + MARK_CONTRAST) & ~breast.mask
    if not bright.any():
        return ()
    around = max(1, round(rows / 200))
    where = _box(bright, around)  # of the rest of the picture nothing depends
    rim = ndimage.maximum_filter(breast.mask[where].astype(np.uint8), 2 * around + 1)
    labels, _ = ndimage.label(bright[where] & (rim == 0), np.ones((3, 3)))
    glyphs, lines = 0, 0
    for down, across in ndimage.find_objects(labels):
        height, width = down.stop - down.start, across.stop - across.start
        low, high = GLYPH[0] * rows, GLYPH[1] * rows
        if max(3.0, low) <= height <= high:
            glyphs += width <= 1.5 * height
            lines += width > 1.5 * height  # letters that touch
    if glyphs < 2 and not lines:
        return ()
    return (Finding("", "", "bright things outside the breast look like text"),)


def _box(bright: NDArray[np.bool_], around: int) -> tuple[slice, slice]:
    """The box of all that is bright, ``around`` pixels larger where the picture goes on."""
    rows, columns = (np.flatnonzero(bright.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, rows[0] - around), rows[-1] + 1 + around),
        slice(max(0, columns[0] - around), columns[-1] + 1 + around),
    )
