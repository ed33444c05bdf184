"""The toy data's performance table: every column of the published CSV from areas and bounding boxes.

Three columns that look like physics are not: ``round_top`` is an area ratio, and ``d_cons`` and ``d_rigid``
    are
noise, drawn here from a seeded stream in which row i depends on the seed and i alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epuredgm.core.seeds import derive
from epuredgm.data.toy_shapes import SIDE
from epuredgm.data.toy_stream import Parameters

Array = NDArray[np.float64]

PUBLISHED_RANGES = {
    # The published *_norm columns scale by the ranges of another, private data set; kept for compatibility.
    "d_cons": (-0.422077922, 1.448051948),
    "d_rigid": (-0.252037787, 0.875330634),
    "d_life": (-0.8, 1.735384615),
    "d_stab": (-0.006097561, 0.584527221),
}
COLUMNS = (
    *("matching", "train", "test", "width_px", "height_px", "filepath", "width_px_norm", "height_px_norm"),
    *("m_top", "m_side", "m_total", "round_top", "dm_top", "dm_side", "dm_total", "dround_top"),
    *("d_cons", "d_rigid", "d_life", "d_stab"),
    *(f"{name}_norm" for name in PUBLISHED_RANGES),
)
INTEGERS = ("width_px", "height_px")


def measure(parameters: Parameters, areas: NDArray[np.int64], seed: int) -> dict[str, Array]:
    """The numeric columns, each float64 (N,), in the order of :data:`COLUMNS`.

    Args:
        parameters: what the designs were drawn from.
        areas: (N, 3) pixels of carcass, crown and sidewall on the 64 x 64 canvas.
        seed: the data set's seed.
    """
    carcass, crown, sidewall = areas.T.astype(np.float64)
    total = carcass + crown + sidewall
    width = np.minimum(SIDE, 2 * (parameters.half_belly + parameters.crown) + 1).astype(np.float64)
    height = (parameters.bottom - parameters.top + parameters.crown + 1).astype(np.float64)
    noise = np.random.default_rng(derive(seed, "toy", "noise")).standard_normal((len(areas), 2))
    columns = {
        "width_px": width,
        "height_px": height,
        "width_px_norm": width / SIDE,
        "height_px_norm": height / SIDE,
        "m_top": np.minimum(300.0, 0.5 * crown),
        "m_side": np.minimum(300.0, 0.5 * sidewall),
        "m_total": np.minimum(600.0, 0.3 * total),
        "round_top": crown / total,
        "dm_top": _clip((crown / total - 0.3) / 0.3),
        "dm_side": _clip((sidewall / total - 0.2) / 0.2),
        "dm_total": _clip((np.minimum(600.0, 0.3 * total) - 300.0) / 300.0),
        "dround_top": _clip(2 * (crown / total - 0.5)),
        "d_cons": _clip(0.2 * noise[:, 0]),
        "d_rigid": _clip(0.2 * noise[:, 1]),
        "d_life": _clip(carcass / total - 0.5),
        "d_stab": _clip(height / width - 1),
    }
    for name, (low, high) in PUBLISHED_RANGES.items():
        columns[f"{name}_norm"] = 2 * (columns[name] - low) / (high - low) - 1
    return columns


def matching(count: int) -> NDArray[np.str_]:
    """The designs' names, ``toy_00000`` onwards."""
    return np.array([f"toy_{row:05d}" for row in range(count)])


def frame(train: NDArray[np.bool_], columns: Mapping[str, Array]) -> pd.DataFrame:
    """The whole table as published: names, split flags and file paths beside the numeric columns."""
    names = matching(len(train))
    table = pd.DataFrame({name: columns[name] for name in columns})
    for name in INTEGERS:
        table[name] = table[name].astype(np.int64)
    table["matching"], table["train"], table["test"] = names, train, ~train
    split = np.where(train, "train", "test")
    table["filepath"] = [f"data/toy_epure/{s}/full/{n}_full.png" for s, n in zip(split, names, strict=True)]
    return table[list(COLUMNS)]


def _clip(values: Array) -> Array:
    return np.clip(values, -1.0, 1.0)
