"""Rows by purpose: a validation split carved from train, and seeded subsets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest
from epuredgm.core.seeds import derive

Rows = NDArray[np.int64]
SUBSET_STATE = 42  # pandas random state of the published toy subset


class Carved(NamedTuple):
    """Row numbers within the train split, sorted: to fit on, and to choose weights by."""

    fit: Rows
    validation: Rows


def carve(count: int, fraction: float | None, seed: int) -> Carved:
    """Split ``count`` train rows; at least one row on each side.

    Args:
        count: number of train rows.
        fraction: share held out for validation, in (0, 1).
        seed: of the choice.

    Raises:
        BadRequest: if there are fewer than two rows, or the fraction is not in (0, 1) or not given.
    """
    if fraction is None:
        raise BadRequest(
            "dataset.validation_fraction is null, but the data set names no validation designs",
            "Give it a share of the train designs, for example 0.05.",
        )
    if not 0 < fraction < 1:
        raise BadRequest(f"dataset.validation_fraction is {fraction}", "It must lie between 0 and 1.")
    if count < 2:
        raise BadRequest(
            f"{count} train designs cannot be split into train and validation", "Add train designs."
        )
    held = min(count - 1, max(1, round(count * fraction)))
    order = np.random.default_rng(derive(seed, "validation")).permutation(count)
    return Carved(np.sort(order[held:]), np.sort(order[:held]))


def subset(train: NDArray[np.bool_], size: int) -> Rows:
    """Sorted row numbers of ``size`` rows that keep the shares of the two splits.

    For the toy data this is the published subset: a pandas sample per split with random state 42.

    Args:
        train: bool (N,).
        size: rows wanted.

    Raises:
        BadRequest: if there are not that many.
    """
    if not 0 < size <= len(train):
        raise BadRequest(f"a subset of {size} cannot be taken from {len(train)} designs")
    wanted = round(size * int(train.sum()) / len(train))
    rows = pd.Series(np.arange(len(train), dtype=np.int64))
    parts = [
        rows[flags].sample(n=number, random_state=SUBSET_STATE).to_numpy()
        for flags, number in ((train, wanted), (~train, size - wanted))
    ]
    return np.sort(np.concatenate(parts))
