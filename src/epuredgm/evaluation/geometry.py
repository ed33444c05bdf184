"""Geometry of many binary masks at once: every function takes (N, C, H, W) bool and loops over no design.

Counts are exact: they are sums of zeros and ones far below 2^24, the largest integer that float32 holds.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Masks = NDArray[np.bool_]
Floats = NDArray[np.float64]

IN_PLANE = {
    4: np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.int8),
    8: np.ones((3, 3), dtype=np.int8),
}
"""Neighbourhood of a pixel, by connectivity."""


def pairs(channels: int) -> list[tuple[int, int]]:
    """The P unordered pairs of channels, in the order of every pairwise result."""
    return list(combinations(range(channels), 2))


def with_union(masks: Masks) -> Masks:
    """(N, C + 1, H, W): the components, then their union."""
    return np.concatenate([masks, masks.any(axis=1, keepdims=True)], axis=1)


def profiles(masks: Masks) -> NDArray[np.float32]:
    """(N, C, H + W): lit pixels of each row, then of each column; areas, centres and boxes follow from them."""
    count, channels, height, width = masks.shape
    pixels = masks.astype(np.float32).reshape(count * channels, height, width)
    rows = pixels @ np.ones(width, np.float32)
    columns = np.ones(height, np.float32) @ pixels
    return np.concatenate([rows, columns], axis=1).reshape(count, channels, height + width)


def areas(profile: NDArray[np.float32], height: int) -> Floats:
    """(N, C) lit pixels, from the :func:`profiles`."""
    return profile[..., :height].sum(axis=-1, dtype=np.float64)


def centres(profile: NDArray[np.float32], height: int) -> Floats:
    """(N, C, 2) centre of mass (row, column) in pixels from the first row and column; NaN where nothing is lit."""
    area = areas(profile, height)
    moments = [
        np.einsum("nck,k->nc", part.astype(np.float64), np.arange(part.shape[-1], dtype=np.float64))
        for part in (profile[..., :height], profile[..., height:])
    ]
    empty = np.where(area > 0, area, np.nan)
    return np.stack([moment / empty for moment in moments], axis=-1)


def boxes(profile: NDArray[np.float32], height: int) -> Floats:
    """(N, C, 4) first row, last row, first column, last column that are lit; NaN where nothing is lit."""
    sides: list[NDArray[np.int64]] = []
    for part in (profile[..., :height] > 0, profile[..., height:] > 0):
        sides += [part.argmax(axis=-1), part.shape[-1] - 1 - part[..., ::-1].argmax(axis=-1)]
    lit = (profile > 0).any(axis=-1)
    return np.where(lit[..., None], np.stack(sides, axis=-1).astype(np.float64), np.nan)


def intersections(masks: Masks) -> Floats:
    """(N, C, C) pixels that two components share; the diagonal holds the areas."""
    flat = masks.reshape(*masks.shape[:2], -1).astype(np.float32)
    return (flat @ flat.transpose(0, 2, 1)).astype(np.float64)


def overlaps(shared: Floats) -> Floats:
    """(N, P, 2) IoU and Dice of each pair, from the :func:`intersections`; 0 where both are empty."""
    chosen = pairs(shared.shape[-1])
    first, second = (np.array([pair[side] for pair in chosen], dtype=np.intp) for side in (0, 1))
    both, a, b = shared[:, first, second], shared[:, first, first], shared[:, second, second]
    total = a + b
    iou = np.divide(both, total - both, out=np.zeros_like(both), where=total > 0)
    dice = np.divide(2 * both, total, out=np.zeros_like(both), where=total > 0)
    return np.stack([iou, dice], axis=-1)


def pieces(masks: Masks, connectivity: int) -> NDArray[np.int64]:
    """(N, C) connected components of each mask, at connectivity 4 or 8.

    One three-dimensional labelling call: the structuring element has no neighbours along the first axis, so
    masks never join. Labels grow in scan order, so each mask's count is the rise of the largest label so far.
    """
    stack = masks.reshape(-1, *masks.shape[2:])
    structure = np.zeros((3, 3, 3), dtype=np.int8)
    structure[1] = IN_PLANE[connectivity]
    labels, _ = ndimage.label(stack, structure)
    largest = np.maximum.accumulate(labels.reshape(len(stack), -1).max(axis=1, initial=0))
    return np.diff(largest, prepend=0).astype(np.int64).reshape(masks.shape[:2])


def pieces_from(masks: Masks, at_four: NDArray[np.int64]) -> NDArray[np.int64]:
    """:func:`pieces` at connectivity 8, given those at 4: only masks in several pieces need labelling again."""
    result = at_four.copy()
    several = at_four > 1
    if several.any():
        result[several] = pieces(masks[several][:, None], 8)[:, 0]
    return result


def contacts(masks: Masks) -> Masks:
    """(N, P, 2) whether two components overlap or have neighbouring pixels, at connectivity 4 and at 8."""
    chosen = pairs(masks.shape[1])
    result = np.empty((len(masks), len(chosen), 2), dtype=np.bool_)
    tall = masks.copy()
    tall[..., 1:, :] |= masks[..., :-1, :]
    tall[..., :-1, :] |= masks[..., 1:, :]
    wide = _widened(masks)
    for side, grown in enumerate((tall | wide, _widened(tall))):
        for k, (a, b) in enumerate(chosen):
            result[:, k, side] = (grown[:, a] & masks[:, b]).reshape(len(masks), -1).any(axis=1)
    return result


def _widened(masks: Masks) -> Masks:
    wide = masks.copy()
    wide[..., 1:] |= masks[..., :-1]
    wide[..., :-1] |= masks[..., 1:]
    return wide
