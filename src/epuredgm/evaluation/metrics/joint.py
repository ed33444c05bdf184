"""Joint structure: whether the places and sizes of the components of one design belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.energy import energy_distance, left_out_distances
from epuredgm.evaluation.geometry import far_outside, pairs
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json


def compute(case: Case) -> Json:
    """``energy``: energy distance between the joint laws of all centres and areas, generated and real.

    Points are designs as :func:`layout`; each axis is in standard deviations of the train designs. Components
    dealt anew between designs leave every marginal of a component as it is, and every distance of such
    marginals at its floor; they do not leave this one.
    """
    view = case.view(layout).scaled()
    # Real designs lie near their mean, where single precision is enough: floors at half the price.
    view = replace(view, train=view.train.astype(np.float32), test=view.test.astype(np.float32))
    few = case.no_figure(view)
    left_out = None if few else left_out_distances(view.generated, view.real, view.groups)
    figure = case.of_sets(view, energy_distance, left_out, name="joint.energy", biased=True)
    return {"energy": figure}


def layout(population: Population) -> NDArray[np.float64]:
    """(N, 3 C + 2 P), finite, for C components and P pairs of them.

    Of each component: centre row and column, area. Of each pair: how far its centres lie apart, in rows and
    columns; nothing new, but these are the axes along which real designs vary least, and without them the
    spread of whole designs hides what components do to each other. An empty component lies far outside the
    picture, and further still from any other.
    """
    return population.derived("layout", _layout)


def _layout(population: Population) -> NDArray[np.float64]:
    height, width = population.size
    centres, areas = population.centres(), population.areas()
    first, second = np.array(pairs(areas.shape[1]), dtype=np.intp).reshape(-1, 2).T
    apart = far_outside(centres[:, first] - centres[:, second], (2 * height, 2 * width))
    own = np.concatenate([far_outside(centres, (height, width)), areas[..., None]], axis=-1)
    return np.concatenate([part.reshape(len(population), -1) for part in (own, apart)], axis=1)


METRIC = Metric(
    key="joint",
    title="Joint structure of centres and areas",
    modes=TASKS,
    headlines=(Headline("joint", "energy", ranked=True, title="Joint structure"),),
    compute=compute,
    values=("binary",),
)
