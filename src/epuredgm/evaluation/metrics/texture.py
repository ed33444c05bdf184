"""Texture: a Frechet distance over hand-made features of grey pictures; no network, every axis has a name."""

from __future__ import annotations

import numpy as np

from epuredgm.core.jobs import TASKS
from epuredgm.core.spec import DataSpec
from epuredgm.evaluation import described
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.frechet import frechet_distance, frechet_left_out
from epuredgm.evaluation.grey_descriptors import TEXTURES
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json, scalar


def compute(case: Case) -> Json:
    """``distance``: Frechet distance, squared, in standard deviations of the train pictures on each axis.

    Of each component: area and mean of the body, its share of dense tissue, deviation and entropy of its
    intensities, slope of its spectrum, contrast, likeness and correlation of neighbouring pixels. Of a
    picture without a body all are 0, which is far from any real one. Null where one of them does not vary
    over the train pictures.
    """
    level = described.dense_level(case)
    view = case.view(lambda population: np.nan_to_num(described.texture(population, level)))
    if constant := np.flatnonzero(view.constant()).tolist():
        return {"distance": scalar(None, reason=_constant(case.spec, constant))}
    view = view.scaled()
    left_out = None if case.no_figure(view) else frechet_left_out(view)
    return {"distance": case.of_sets(view, frechet_distance, left_out, name="texture", biased=True)}


def _constant(spec: DataSpec, axes: list[int]) -> str:
    """Why there is no distance in deviations of axes that have none."""
    count = len(TEXTURES)
    names = [f"{TEXTURES[axis % count]} of {spec.component_names[axis // count]}" for axis in axes]
    return f"does not vary over the train pictures: {', '.join(names)}"


METRIC = Metric(
    key="texture",
    title="Distance of hand-made texture features",
    modes=TASKS,
    headlines=(Headline("texture", "distance", ranked=True, title="Texture distance"),),
    compute=compute,
    values=("grey",),
)
