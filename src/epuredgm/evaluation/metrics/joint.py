"""Joint structure: whether the places and sizes of the components of one design belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.energy import energy_distance, left_out_distances
from epuredgm.evaluation.geometry import far_outside
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json


def compute(case: Case) -> Json:
    """``energy``: energy distance between the joint laws of all centres and areas, generated and real.

    Each axis is in standard deviations of the train designs. Components dealt anew between designs leave
    every marginal as it is, and every distance of marginals at its floor; they do not leave this one.
    """
    view = case.view(layout).scaled()
    # Real designs lie near their mean, where single precision is enough: floors at half the price.
    view = replace(view, train=view.train.astype(np.float32), test=view.test.astype(np.float32))
    few = case.too_few(view)
    left_out = None if few else left_out_distances(view.generated, view.real, view.groups)
    return {"energy": case.of_sets(view, energy_distance, left_out, name="joint.energy")}


def layout(population: Population) -> NDArray[np.float64]:
    """(N, 3C) centre row and column and area of each component; an empty one lies far outside the picture."""
    return population.derived("layout", _layout)


def _layout(population: Population) -> NDArray[np.float64]:
    centres = far_outside(population.centres(), population.size)
    return np.concatenate([centres, population.areas()[..., None]], axis=-1).reshape(len(population), -1)


METRIC = Metric(
    key="joint",
    title="Joint structure of centres and areas",
    modes=TASKS,
    headlines=(Headline("joint", "energy", ranked=True),),
    compute=compute,
)
