"""Centres of mass: distance between where generated and real components lie, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.marginal import Distance, mean_and_std
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json, number, scalar


def compute(case: Case) -> Json:
    """Marginal W1 distances of centre rows and columns, at three levels of aggregation.

    ``component.<c>.wasserstein``: mean of the row and the column distance of one component.
    ``overall.wasserstein``: the same with all components pooled on one axis (it cannot see two components
    swapped). ``vector_wasserstein``: mean over the 2C coordinates. Empty components have no centre: they are
    left out, and their share is ``component.<c>.empty``. A component that no real design has counts in
    neither of the last two, nor does one that was given: it is that of the real design of the row, and its
    own distance is null. ``legacy`` counts it, as earlier tools did.
    """
    names = case.spec.component_names
    axes = [[_distance(case, [c], axis) for axis in (0, 1)] for c in range(len(names))]
    everyone = [c for c in range(len(names)) if c not in case.absent] or [*range(len(names))]
    drawn = [c for c in everyone if not case.given[:, c].any()] or everyone
    return {
        "component": {
            name: {
                "wasserstein": _of_component(case, axes[c], c),
                "empty": case.share(_empty(case.generated, c), floor=partial(_empty, component=c)),
            }
            for c, name in enumerate(names)
        },
        "overall": {"wasserstein": _overall(case, drawn).scalar(case.confidence)},
        "vector_wasserstein": _mean_of(axes, drawn).scalar(case.confidence),
        "legacy": _legacy(names, axes, everyone, _overall(case, everyone)),
    }


def _of_component(case: Case, axes: Sequence[Distance], component: int) -> Json:
    if case.given[:, component].any() and component not in case.absent:
        return scalar(None, reason="the component was given")
    return Distance.mean(axes).scalar(case.confidence)


def _distance(case: Case, components: Sequence[int], axis: int) -> Distance:
    """W1 of the centres' rows (axis 0) or columns (axis 1), the components' centres pooled."""
    chosen = list(components)

    def values(population: Population) -> NDArray[np.float64]:
        return population.centres()[:, chosen, axis]

    names = case.spec.component_names
    reasons = [f"no real design has {names[c]}" for c in chosen if c in case.absent]
    reasons += [f"every generated {names[c]} is empty" for c in chosen if _empty(case.generated, c).all()]
    return case.wasserstein(values, reasons[0] if reasons else "")


def _overall(case: Case, components: Sequence[int]) -> Distance:
    return Distance.mean([_distance(case, components, axis) for axis in (0, 1)])


def _mean_of(axes: Sequence[Sequence[Distance]], components: Sequence[int]) -> Distance:
    return Distance.mean([distance for c in components for distance in axes[c]])


def _empty(population: Population, component: int) -> NDArray[np.bool_]:
    return np.asarray(population.areas()[:, component] == 0)


def _legacy(
    names: Sequence[str], axes: Sequence[Sequence[Distance]], present: Sequence[int], overall: Distance
) -> Json:
    """Shapes and definitions of earlier result files: bootstrap means of components, plug-in elsewhere."""
    coordinates = [distance.value for c in present for distance in axes[c]]
    known = [value for value in coordinates if value is not None]
    whole = len(known) == len(coordinates)
    means = {
        name: [distance.legacy()[0] for distance in both] for name, both in zip(names, axes, strict=True)
    }
    return {
        "component": {
            name: mean_and_std(np.array([m for m in both if m is not None])) for name, both in means.items()
        },
        "overall": number(overall.value),
        "vector_wasserstein": mean_and_std(np.array(known)) if whole else [None, None],
    }


METRIC = Metric(
    key="com",
    title="Centres of mass",
    modes=TASKS,
    headlines=(
        Headline("com_overall", "overall.wasserstein", unit="px", ranked=True, title="Centre of mass"),
        Headline("com_vector", "vector_wasserstein", unit="px", title="Centres of mass, all at once"),
        Headline("com_*", "component.*.wasserstein", unit="px", title="Centre of mass, *"),
    ),
    compute=compute,
    values=("binary",),
)
