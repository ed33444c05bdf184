"""Pictures averaged down to a size at which they can be compared quickly."""

from __future__ import annotations

import numpy as np

from epuredgm.data.designs import Stored


def reduced(images: Stored, largest: int) -> Stored:
    """(N, C, H, W) averaged over whole blocks so that no edge is longer than ``largest``; same type.

    Pictures that are small enough are returned as they are. Where an edge is no multiple of the block the
    last block repeats the border.
    """
    height, width = images.shape[2:]
    edge = -(-max(height, width) // largest)
    if edge == 1:
        return images
    below, right = -height % edge, -width % edge
    padded = np.pad(images, ((0, 0), (0, 0), (0, below), (0, right)), mode="edge")
    shape = (*images.shape[:2], (height + below) // edge, edge, (width + right) // edge, edge)
    mean = padded.reshape(shape).mean(axis=(3, 5), dtype=np.float32)
    return np.asarray(np.rint(mean), dtype=images.dtype)
