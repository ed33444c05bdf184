"""Which way pictures face: stored ones all face one way, those of the other side are shown mirrored."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored


def facing(images: Stored, conditions: ArrayLike, spec: DataSpec) -> Stored:
    """Pictures as people see them: those of the second category of ``spec.side`` mirrored left to right.

    A picture whose side is unknown stays as it is.

    Args:
        images: (N, C, H, W) as stored.
        conditions: (N, K), as stored.
        spec: the data set.
    """
    if spec.side is None or spec.side not in spec.condition_names:
        return images
    other = np.asarray(conditions)[:, spec.condition_names.index(spec.side)] == 1
    return np.where(other[:, None, None, None], images[..., ::-1], images) if other.any() else images
