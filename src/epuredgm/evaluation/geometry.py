"""Geometry of many binary masks at once: every function takes (N, C, H, W) bool and loops over no design.

Counts are exact: they are sums of zeros and ones far below 2^24, the largest integer that float32 holds.
"""

from __future__ import annotations

from collections.abc import Sequence
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

SET_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)
"""(256,) ones in each byte."""


def pairs(channels: int) -> list[tuple[int, int]]:
    """The P unordered pairs of channels, in the order of every pairwise result."""
    return list(combinations(range(channels), 2))


def with_union(masks: Masks) -> Masks:
    """(N, C + 1, H, W): the components, then their union."""
    return np.concatenate([masks, masks.any(axis=1, keepdims=True)], axis=1)


def profiles(masks: Masks) -> NDArray[np.float32]:
    """(N, C, H + W): lit pixels of each row, then of each column; areas, centres and boxes follow."""
    count, channels, height, width = masks.shape
    pixels = masks.astype(np.float32).reshape(count * channels, height, width)
    rows = pixels @ np.ones(width, np.float32)
    columns = np.ones(height, np.float32) @ pixels
    return np.concatenate([rows, columns], axis=1).reshape(count, channels, height + width)


def areas(profile: NDArray[np.float32], height: int) -> Floats:
    """(N, C) lit pixels, from the :func:`profiles`."""
    return np.asarray(profile[..., :height].sum(axis=-1, dtype=np.float64))


def centres(profile: NDArray[np.float32], height: int) -> Floats:
    """(N, C, 2) centre of mass (row, column) in pixels, the first being 0; NaN where nothing is lit."""
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
    lit = areas(profile, height)[..., None] > 0
    return np.where(lit, np.stack(sides, axis=-1).astype(np.float64), np.nan)


def thickness(profile: NDArray[np.float32], height: int) -> Floats:
    """(N, C, 4) mean and largest count of lit pixels in the lit rows, then in the lit columns; 0 if empty."""
    found = []
    for part in (profile[..., :height], profile[..., height:]):
        lit = (part > 0).sum(axis=-1)
        found += [part.sum(axis=-1, dtype=np.float64) / np.maximum(lit, 1), part.max(axis=-1)]
    return np.stack(found, axis=-1).astype(np.float64)


def far_outside(places: Floats, lengths: Sequence[int]) -> Floats:
    """``places`` (..., k) with finite numbers for what has no place: axis i of NaN becomes ``-lengths[i]``.

    That is a whole picture outside the picture: further from anything that lies in it than any two things in
    it can be, so that drawing nothing always costs more than drawing something in the wrong place.
    """
    return np.where(np.isfinite(places), places, -np.asarray(lengths, dtype=np.float64))


def shared_pixels(masks: Masks) -> Floats:
    """(N, P) pixels that belong to both components of a pair; designs without any cost next to nothing."""
    chosen = pairs(masks.shape[1])
    result = np.zeros((len(masks), len(chosen)))
    doubly = masks.view(np.uint8).sum(axis=1, dtype=np.uint8) > 1
    rows = np.flatnonzero(doubly.reshape(len(masks), -1).any(axis=1))
    if rows.size and chosen:
        flat = masks[rows].reshape(len(rows), masks.shape[1], -1).astype(np.float32)
        gram = flat @ flat.transpose(0, 2, 1)
        result[rows] = np.stack([gram[:, a, b] for a, b in chosen], axis=1)
    return result


def overlaps(shared: Floats, area: Floats) -> Floats:
    """(N, P, 2) IoU and Dice of each pair, from shared pixels and areas; 0 where both are empty."""
    chosen = np.array(pairs(area.shape[1]), dtype=np.intp).reshape(-1, 2)
    total = area[:, chosen[:, 0]] + area[:, chosen[:, 1]]
    iou = np.divide(shared, total - shared, out=np.zeros_like(shared), where=total > 0)
    dice = np.divide(2 * shared, total, out=np.zeros_like(shared), where=total > 0)
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


def pieces_at_four(masks: Masks) -> NDArray[np.int64]:
    """:func:`pieces` at connectivity 4: only masks that are no stack of runs are labelled."""
    result = np.ones(masks.shape[:2], dtype=np.int64)
    unclear = ~is_stack(masks)
    if unclear.any():
        result[unclear] = pieces(masks[unclear][:, None], 4)[:, 0]
    return result


def is_stack(masks: Masks) -> Masks:
    """(N, C) whether a mask is plainly one piece: one run in each of its rows, each resting on the next one.

    A row of up to 64 pixels is one machine word; of wider masks none is said to be plain.
    """
    *outer, height, width = masks.shape
    if width > 64:
        return np.zeros(outer, dtype=np.bool_)
    packed = np.zeros((*outer, height, 8), dtype=np.uint8)
    packed[..., : -(-width // 8)] = np.packbits(masks, axis=-1)
    words = packed.view(">u8")[..., 0].astype(np.uint64)
    starts = words & ~(words >> np.uint64(1))  # lit pixels whose left neighbour is not
    one_run = ((starts & (starts - np.uint64(1))) == 0).all(axis=-1)  # a power of 2, or 0
    resting = ((words[..., 1:] & words[..., :-1]) != 0).sum(axis=-1)
    return np.asarray(one_run & (resting == (words != 0).sum(axis=-1) - 1))


def pieces_from(masks: Masks, at_four: NDArray[np.int64]) -> NDArray[np.int64]:
    """:func:`pieces` at connectivity 8, given those at 4: only masks in several pieces are labelled again."""
    result = at_four.copy()
    several = at_four > 1
    if several.any():
        result[several] = pieces(masks[several][:, None], 8)[:, 0]
    return result


def contacts(masks: Masks) -> Masks:
    """(N, P, 2) whether two components overlap or have neighbouring pixels, at connectivity 4 and at 8.

    Eight designs share a byte (one bit each), so that one operation on bytes treats eight designs.
    """
    chosen = pairs(masks.shape[1])
    planes = _bit_planes(masks)
    tall = planes.copy()
    tall[..., 1:, :] |= planes[..., :-1, :]
    tall[..., :-1, :] |= planes[..., 1:, :]
    touching = np.empty((len(planes), len(chosen), 2), dtype=np.uint8)
    for side, grown in enumerate((tall | _widened(planes), _widened(tall))):
        for k, (a, b) in enumerate(chosen):
            met = (grown[:, a] & planes[:, b]).reshape(len(planes), -1)
            touching[:, k, side] = np.bitwise_or.reduce(met, axis=1)
    flags = np.concatenate([touching >> bit & 1 for bit in range(8)])
    return flags[: len(masks)].astype(np.bool_)


def contact_lengths(masks: Masks) -> Floats:
    """(N, P) sides at which a pixel of one component of a pair has a 4-connected neighbour of the other.

    A side counts once, also where the two overlap on both of its pixels.
    """
    chosen = pairs(masks.shape[1])
    result = np.zeros((len(masks), len(chosen)))
    below, beside = (masks[..., :-1, :], masks[..., 1:, :]), (masks[..., :-1], masks[..., 1:])
    for sides in (below, beside):
        here, there = (np.packbits(side.reshape(*masks.shape[:2], -1), axis=-1) for side in sides)
        for k, (a, b) in enumerate(chosen):
            met = here[:, a] & there[:, b] | here[:, b] & there[:, a]
            result[:, k] += SET_BITS[met].sum(axis=1)
    return result


def _bit_planes(masks: Masks) -> NDArray[np.uint8]:
    """(ceil(N / 8), C, H, W): bit b of plane i is design ``b * ceil(N / 8) + i``, or dark."""
    count = -(-len(masks) // 8)
    planes = masks[:count].astype(np.uint8)
    for bit in range(1, 8):
        part = masks[bit * count : (bit + 1) * count].view(np.uint8)
        planes[: len(part)] |= part << np.uint8(bit)
    return planes


def _widened(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    wide = planes.copy()
    wide[..., 1:] |= planes[..., :-1]
    wide[..., :-1] |= planes[..., 1:]
    return wide
