"""Square patches of a canonical picture: a grid from the chest wall on, all or a seeded choice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest
from epuredgm.core.seeds import derive

Corners = NDArray[np.int64]


def grid(shape: tuple[int, int], size: int, stride: int) -> Corners:
    """Upper left corners (N, 2) of patches that cover a picture, from the chest wall (column 0) on.

    The last of each row and column is moved inwards to end at the border, so nothing is left out.

    Raises:
        BadRequest: if the picture is smaller than a patch, or size or stride is not positive.
    """
    if size < 1 or stride < 1 or min(shape) < size:
        raise BadRequest(
            f"patches of {size} pixels at steps of {stride} cannot be cut from {shape[0]} x {shape[1]}",
            "Choose smaller patches, or a larger picture.",
        )
    rows, columns = (_starts(side, size, stride) for side in shape)
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)


def _starts(side: int, size: int, stride: int) -> NDArray[np.int64]:
    return np.unique(np.append(np.arange(0, side - size, stride), side - size)).astype(np.int64)


def foreground(mask: NDArray[np.bool_], corners: Corners, size: int) -> NDArray[np.float64]:
    """Share of each patch (N,) that is breast, from one integral picture."""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    sums[1:, 1:] = mask.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    top, left = corners[:, 0], corners[:, 1]
    bottom, right = top + size, left + size
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(inside / size**2)


def cut(pixels: NDArray[np.float32], corners: Corners, size: int) -> NDArray[np.float32]:
    """The patches (N, size, size)."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (size, size))
    return windows[corners[:, 0], corners[:, 1]].copy()


def chosen(
    mask: NDArray[np.bool_], size: int, stride: int, least: float, most: int | None, seed: int, name: str
) -> Corners:
    """Corners (N, 2) of the patches with enough breast; of too many, a seeded choice in the grid's order.

    Args:
        mask: bool (H, W).
        size: of a patch.
        stride: of the grid.
        least: smallest share of breast, in [0, 1].
        most: how many at most; None for all.
        seed: of the choice.
        name: of the picture, so that each has its own choice; a keyed hash, not an identifier.

    Raises:
        BadRequest: see :func:`grid`.
    """
    corners = grid((mask.shape[0], mask.shape[1]), size, stride)
    corners = corners[foreground(mask, corners, size) >= least]
    if most is None or len(corners) <= most:
        return corners
    rng = np.random.default_rng(derive(seed, "patches", name))
    return corners[np.sort(rng.permutation(len(corners))[:most])]
