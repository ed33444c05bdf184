"""What a data set is like, in numbers: counts, areas, conditions, duplicates, overlap, connectivity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.monitor import Monitor
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.evaluation import geometry
from epuredgm.evaluation.population import Population

CHUNK_PIXELS = 1 << 24  # looked at together
UNION = "union"


def describe(designs: Designs, spec: DataSpec, monitor: Monitor) -> dict[str, Any]:
    """A JSON-ready account of the designs.

    Returns:
        ``splits`` (counts), ``areas`` (mean, std, min, max of pixels above 0 per component and union),
        ``empty`` (designs without the component), ``connected`` (share in exactly one 4-connected piece),
        ``overlap`` (share of designs in which components overlap), ``conditions`` (in train and test: mean,
        std, min, max of numbers, how often each category occurs, how many are unknown), ``duplicates``
        (copies within train, within test, and of train designs in test).
    """
    areas, pieces, overlap = _look(designs, spec, monitor)
    names = (*spec.component_names, UNION)
    return {
        "name": spec.name,
        "size": [spec.height, spec.width],
        "components": list(spec.component_names),
        "fingerprint": designs.fingerprint,
        "splits": {"train": int(designs.train.sum()), "test": int((~designs.train).sum())},
        "areas": {name: _summary(areas[:, k]) for k, name in enumerate(names)},
        "empty": {name: int((areas[:, k] == 0).sum()) for k, name in enumerate(names)},
        "connected": {name: float((pieces[:, k] == 1).mean()) for k, name in enumerate(names)},
        "overlap": float(overlap.mean()),
        "conditions": {
            condition.name: {
                "train": _of_condition(condition, designs.conditions[designs.train, k]),
                "test": _of_condition(condition, designs.conditions[~designs.train, k]),
            }
            for k, condition in enumerate(spec.conditions)
        },
        "duplicates": _duplicates(designs),
    }


def _look(
    designs: Designs, spec: DataSpec, monitor: Monitor
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Areas and pieces (N, C + 1), the union last, and whether components overlap (N,)."""
    areas, pieces, overlap = [], [], []
    chunk = max(1, CHUNK_PIXELS // (spec.channels * spec.height * spec.width))
    for start in range(0, len(designs), chunk):
        rows = slice(start, start + chunk)
        lit = (designs.images[rows] > 0).astype(np.uint8)  # of grey pictures: all that is not background
        part = Population(lit, "binary", designs.conditions[rows], designs.condition_names)
        areas.append(geometry.with_union(part.lit(part.images)).sum(axis=(2, 3), dtype=np.int64))
        pieces.append(part.pieces(4))
        overlap.append((part.shared() > 0).any(axis=1))
        monitor.progress(min(len(designs), start + chunk), len(designs), "inspecting designs")
    return np.concatenate(areas), np.concatenate(pieces), np.concatenate(overlap)


def _of_condition(condition: Condition, values: NDArray[np.float64]) -> Mapping[str, float]:
    """Counts of categories, or moments of numbers; and how many are unknown, where they may be."""
    known = values[~np.isnan(values)]
    unknown = {"unknown": len(values) - len(known)} if condition.optional else {}
    if condition.values:
        return {name: int((known == place).sum()) for place, name in enumerate(condition.values)} | unknown
    return {**(_summary(known) if len(known) else {}), **unknown}


def _summary(values: NDArray[Any]) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
    }


def _duplicates(designs: Designs) -> dict[str, int]:
    """Designs equal, pixel for pixel, to an earlier one of their split or, in test, to one of train."""
    keys = [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in designs.images]
    train = [key for key, flag in zip(keys, designs.train, strict=True) if flag]
    test = [key for key, flag in zip(keys, designs.train, strict=True) if not flag]
    known = set(train)
    return {
        "within train": len(train) - len(known),
        "within test": len(test) - len(set(test)),
        "of train designs in test": sum(key in known for key in test),
    }
