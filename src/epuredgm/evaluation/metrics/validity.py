"""Validity: the share of designs with the properties that all real designs have; the data are the rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.geometry import pairs
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.properties import required, valid
from epuredgm.evaluation.scalar import Json

Flags = NDArray[np.bool_]
Tests = dict[str, Callable[[Population], Flags]]


def compute(case: Case) -> Json:
    """``valid``: share of designs with every required property; ``properties``: the share for each of them.

    ``empty``: share of designs in which a component (``any``: at least one of those that real designs have)
    has no pixel. ``overlap``: share in which two components (``any``: at least two) share a pixel.
    """
    names = case.spec.component_names
    rules = required(case)
    properties: Json = {}
    for kind, subject, holds in rules:
        properties.setdefault(kind, {})[subject] = _share(case, holds)
    empty: Tests = {name: partial(_is_empty, component=c) for c, name in enumerate(names)}
    present = [c for c in range(len(names)) if c not in case.absent]
    empty["any"] = partial(_any_empty, components=present)
    overlap: Tests = {
        f"{names[a]}_{names[b]}": partial(_overlaps, pair=k) for k, (a, b) in enumerate(pairs(len(names)))
    }
    return {
        "valid": _share(case, partial(valid, properties=rules)),
        "properties": properties,
        "empty": {name: _share(case, test) for name, test in empty.items()},
        "overlap": {name: _share(case, test) for name, test in {**overlap, "any": _any_overlap}.items()},
    }


def _share(case: Case, holds: Callable[[Population], Flags]) -> Json:
    return case.share(holds(case.generated), floor=holds)


def _overlaps(population: Population, pair: int) -> Flags:
    return np.asarray(population.shared()[:, pair] > 0)


def _any_overlap(population: Population) -> Flags:
    return np.asarray((population.shared() > 0).any(axis=1))


def _is_empty(population: Population, component: int) -> Flags:
    return np.asarray(population.areas()[:, component] == 0)


def _any_empty(population: Population, components: Sequence[int]) -> Flags:
    return np.asarray((population.areas()[:, list(components)] == 0).any(axis=1))


METRIC = Metric(
    key="validity",
    title="Validity",
    modes=tuple(mode for mode in Mode if mode is not Mode.RECONSTRUCTION),
    headlines=(
        Headline("valid", "valid", better="higher", ranked=True, bounds=(0, 1), title="Valid designs"),
        Headline("empty", "empty.any", limit=0.5, bounds=(0, 1), title="Designs with an empty component"),
        Headline("overlap", "overlap.any", bounds=(0, 1), title="Designs with overlapping components"),
    ),
    compute=compute,
    values=("binary",),
)
