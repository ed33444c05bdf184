"""Space-to-depth: a network on patches costs a fraction of one on pixels, and loses nothing.

A patch of p x p pixels becomes one position with p * p times the channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def space_to_depth(images: Tensor, patch: int) -> Tensor:
    """(B, C, H, W) -> (B, C * patch * patch, H / patch, W / patch); :func:`depth_to_space` is the inverse."""
    return functional.pixel_unshuffle(images, patch)


def depth_to_space(features: Tensor, patch: int) -> Tensor:
    """(B, C * patch * patch, H, W) -> (B, C, H * patch, W * patch); :func:`space_to_depth` is the inverse."""
    return functional.pixel_shuffle(features, patch)


def patch_grid(size: tuple[int, int], patch: int, levels: int) -> tuple[int, int]:
    """Rows and columns of the patch grid of a network over ``size`` that halves it ``levels - 1`` times.

    Where the size is no multiple of ``patch * 2 ** (levels - 1)`` the grid reaches beyond the image, to the
    right and below; :func:`padded` fills that with background and the networks cut it off their result.
    """
    step = 2 ** (levels - 1)
    rows, columns = (math.ceil(edge / (patch * step)) * step for edge in size)
    return rows, columns


def padded(images: Tensor, grid: tuple[int, int], patch: int) -> Tensor:
    """(B, C, H, W) with zeros to the right and below, up to the edge of the patch grid."""
    below, right = grid[0] * patch - images.shape[2], grid[1] * patch - images.shape[3]
    return functional.pad(images, (0, right, 0, below)) if below or right else images


def with_planes(patches: Tensor, numbers: Tensor) -> Tensor:
    """(B, P, h, w) patches with (B, E) numbers of each design as E further, constant channels."""
    planes = numbers[:, :, None, None].to(patches.dtype).expand(-1, -1, *patches.shape[-2:])
    return torch.cat([patches, planes], dim=1)
