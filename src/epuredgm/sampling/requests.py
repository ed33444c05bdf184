"""What each set of samples is asked for: nothing, the test split's conditions, or a component of its designs.

Test rows come in one seeded order, the same for every model and mode, so that comparisons are over the same
rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import UnsupportedMode
from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs, Stored
from epuredgm.data.measure import attainable


@dataclass(frozen=True)
class SetRequest:
    """One set of N samples; rows correspond.

    Where several completions are asked for, all designs come once, then all of them again.

    Attributes:
        mode: what kind of request it is.
        component: name of the given component; None unless the mode is inpainting.
        ids: (N,) of the test rows; empty strings where none is behind a sample.
        conditions: float64 (N, K) in the data set's own units; None where none is asked for.
        known: (N, C, H, W) as stored: zero outside the given component, or what is to be reconstructed; None
            in other modes.
        given: bool (C,), which components are given.
    """

    mode: Mode
    component: str | None
    ids: NDArray[np.str_]
    conditions: NDArray[np.float64] | None
    known: Stored | None
    given: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


def unconditional(spec: DataSpec, count: int) -> SetRequest:
    """``count`` designs of any kind; no test row is looked at."""
    nothing = np.zeros(spec.channels, dtype=np.bool_)
    return SetRequest(Mode.UNCONDITIONAL, None, np.full(count, "", dtype=np.str_), None, None, nothing)


def conditional(spec: DataSpec, designs: Designs, count: int, seed: int) -> SetRequest:
    """One design for the conditions of each of ``count`` test rows; no image is looked at.

    Raises:
        UnsupportedMode: if the data set has no conditions.
    """
    if not spec.conditions:
        raise UnsupportedMode(
            f"data set {spec.name} is used without conditions, so there are none to sample on",
            "Choose a condition set (dataset.conditions=...), or leave the mode conditional out.",
        )
    rows = ordered_test_rows(designs.train, count, seed)
    nothing = np.zeros(spec.channels, dtype=np.bool_)
    return SetRequest(Mode.CONDITIONAL, None, designs.ids[rows], designs.conditions[rows], None, nothing)


def inpainting(
    spec: DataSpec, designs: Designs, count: int, seed: int, component: str, completions: int = 1
) -> SetRequest:
    """Designs around ``component`` of each of ``count`` test rows, with the row's conditions.

    Of the test images only that component is looked at.

    Args:
        spec: the data set.
        designs: all real designs.
        count: test rows wanted.
        seed: of the run.
        component: name of the given one.
        completions: designs around each; row ``c * n + i`` is completion c of the i-th of n test rows.
    """
    rows = np.tile(ordered_test_rows(designs.train, count, seed), completions)
    channel = spec.component_names.index(component)
    known = np.zeros((len(rows), spec.channels, spec.height, spec.width), dtype=spec.dtype)
    known[:, channel] = designs.images[rows, channel]
    given = np.arange(spec.channels) == channel
    conditions = designs.conditions[rows] if spec.conditions else None
    return SetRequest(Mode.INPAINTING, component, designs.ids[rows], conditions, known, given)


def reconstruction(spec: DataSpec, designs: Designs, count: int, seed: int) -> SetRequest:
    """``count`` test designs, to be encoded and decoded under their own conditions."""
    rows = ordered_test_rows(designs.train, count, seed)
    nothing = np.zeros(spec.channels, dtype=np.bool_)
    conditions = designs.conditions[rows] if spec.conditions else None
    return SetRequest(Mode.RECONSTRUCTION, None, designs.ids[rows], conditions, designs.images[rows], nothing)


def extrapolation(spec: DataSpec, designs: Designs, count: int, seed: int, beyond: float) -> SetRequest:
    """Designs for conditions that reach beyond those of the train split; no design is looked at.

    Request i takes the conditions of a test row and replaces one of those that can be measured, each in turn,
    by a value of an even sweep from below the train split's smallest to above its largest, as far as a
    picture of the data set's size can show it at all.

    Args:
        spec: the data set.
        designs: all real designs.
        count: designs wanted.
        seed: of the run.
        beyond: how far the sweep reaches out on either side, as a share of the train range.

    Raises:
        UnsupportedMode: if no condition can be measured on a design.
    """
    swept = [k for k, condition in enumerate(spec.conditions) if condition.measure is not None]
    if not swept:
        raise UnsupportedMode(f"data set {spec.name} has no condition that can be measured on a design")
    rows = np.resize(ordered_test_rows(designs.train, count, seed), count)
    conditions = designs.conditions[rows].copy()
    for turn, k in enumerate(swept):
        own = np.arange(turn, count, len(swept))
        known = designs.conditions[designs.train, k]
        low, high = float(known.min()), float(known.max())
        reach = beyond * (high - low)
        least, most = attainable(spec.conditions[k], *spec.size)  # which cuts off nothing that was seen
        ends = max(low - reach, min(low, least)), min(high + reach, max(high, most))
        conditions[own, k] = np.linspace(*ends, len(own))
    nothing = np.zeros(spec.channels, dtype=np.bool_)
    return SetRequest(Mode.EXTRAPOLATION, None, np.full(count, "", dtype=np.str_), conditions, None, nothing)


def ordered_test_rows(train: NDArray[np.bool_], count: int, seed: int) -> NDArray[np.int64]:
    """Row numbers of ``count`` test designs in a seeded order without replacement; all if there are fewer.

    Args:
        train: bool (N,), False for the test split.
        count: rows wanted.
        seed: of the run; the order of a smaller count is the start of that of a larger one.
    """
    rows = np.flatnonzero(~train).astype(np.int64)
    return np.random.default_rng(derive(seed, "test rows")).permutation(rows)[:count]
