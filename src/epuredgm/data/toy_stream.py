"""The toy data's random stream: one generator, consumed in a fixed order: the same designs everywhere.

The stream first shuffles the split flags, then draws nine parameters per attempt; an attempt is kept when the
crown is at most one pixel thicker than the carcass, which is exactly when the crown is one connected piece.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest, Interrupted
from epuredgm.core.monitor import Monitor

TRAIN_SHARE = (4, 5)  # the published split, 16,000 of 20,000


class Parameters(NamedTuple):
    """What defines each toy design; every field is float64 (N,).

    Lengths are in pixels of the 64 x 64 canvas: crown, carcass and lower sidewall thickness, first and last
        row
    of the carcass, half-widths at belly and bottom, lip rounding. ``belly`` is the belly's relative height.
    """

    crown: NDArray[np.float64]
    carcass: NDArray[np.float64]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]
    half_belly: NDArray[np.float64]
    half_bottom: NDArray[np.float64]
    belly: NDArray[np.float64]
    sidewall: NDArray[np.float64]
    lip: NDArray[np.float64]

    def rows(self, index: slice) -> Parameters:
        """The designs at ``index``."""
        return Parameters(*(column[index] for column in self))


def draw(count: int, seed: int, monitor: Monitor) -> tuple[NDArray[np.bool_], Parameters]:
    """The split flags (N,), true for train, and the parameters of ``count`` designs.

    Raises:
        BadRequest: if there would not be one design in each split.
        Interrupted: if the monitor asks to stop.
    """
    if count < 2:
        raise BadRequest(f"the toy data need at least 2 designs, not {count}", "Set dataset.reader.count.")
    rng = np.random.default_rng(seed)
    n_train = count * TRAIN_SHARE[0] // TRAIN_SHARE[1]
    flags = [True] * n_train + [False] * (count - n_train)
    rng.shuffle(flags)
    kept: list[list[float]] = []
    while len(kept) < count:
        attempt = _attempt(rng)
        if attempt[0] - attempt[1] <= 1:  # otherwise the crown falls apart: see the module's docstring
            kept.append(attempt)
            if len(kept) % 1000 == 0:
                monitor.progress(len(kept), count, "drawing toy designs")
                if monitor.stopping():
                    raise Interrupted("stopped while drawing the toy data")
    return np.array(flags), Parameters(*np.array(kept, dtype=np.float64).T)


def _attempt(rng: np.random.Generator) -> list[float]:
    """One attempt in the order of :class:`Parameters`; scalar draws, since the stream depends on each."""
    integers = rng.integers
    crown = int(integers(4, 8))
    carcass = int(integers(3, min(5, crown) + 1))
    frame = [int(integers(low, high)) for low, high in ((6, 13), (52, 59), (20, 29), (10, 19))]
    belly = rng.uniform(0.30, 0.50)
    return [crown, carcass, *frame, belly, int(integers(1, 4)), int(integers(2, 5))]
