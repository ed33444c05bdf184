"""A small phantom in memory, for tests of what judges mammograms: no file, no DICOM, a few seconds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.mammography.breast import canonical, find_breast
from epuredgm.data.mammography.phantom import expose
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_patient import draw_patient

EDGE = 64
GRID = Grid(100, 80, 2.56)
VIEWS = ("CC", "MLO")
CLASSES = ("A", "B", "C", "D")

SPEC = DataSpec(
    name="phantom",
    height=EDGE,
    width=EDGE,
    components=(Component("breast", "Breast", "#ffffff"),),
    conditions=(
        Condition("view", values=VIEWS, optional=True),
        Condition("laterality", values=("L", "R"), optional=True),
        Condition("age", "years", optional=True),
        Condition("density", values=CLASSES, optional=True, ordered=True),
    ),
    values="grey",
    bits=16,
    side="laterality",
)


class Pictures(NamedTuple):
    """(N, 1, 64, 64) uint16 pictures of left breasts, two views a patient, and (N, 4) conditions."""

    images: NDArray[np.uint16]
    conditions: NDArray[np.float64]


def pictures(root: int, first: int, patients: int) -> Pictures:
    """Those of the patients ``first``, ``first`` + 1, ... of a seed."""
    images, conditions = [], []
    for number in range(first, first + patients):
        patient = draw_patient(root, number)
        for place, view in enumerate(VIEWS):
            shown = expose(patient, "L", view, GRID).presentation.astype(np.float32)  # type: ignore[arg-type]
            small = canonical(shown, find_breast(shown), GRID.pixel, (EDGE, EDGE)).pixels
            images.append(np.rint(small * SPEC.levels).astype(np.uint16)[None])
            conditions.append((place, number % 2, patient.age, CLASSES.index(patient.density)))
    return Pictures(np.stack(images), np.array(conditions, dtype=np.float64))


def designs(train: Pictures, test: Pictures) -> Designs:
    """Both splits as one data set."""
    count = len(train.images) + len(test.images)
    return Designs(
        images=np.concatenate([train.images, test.images]),
        ids=np.array([f"picture{row}" for row in range(count)]),
        train=np.arange(count) < len(train.images),
        conditions=np.concatenate([train.conditions, test.conditions]),
        condition_names=SPEC.condition_names,
        fingerprint="phantom",
    )
