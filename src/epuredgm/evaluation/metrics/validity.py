"""Validity: the share of designs with the properties that all real designs have; the data are the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.geometry import pairs
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json

REAL_SHARE = 0.999
"""A property is required if at least this share of the real designs has it: a spoiled scan or two may not."""

CONNECTIVITIES = (4, 8)

Flags = NDArray[np.bool_]
Tests = dict[str, Callable[[Population], Flags]]


class Property(NamedTuple):
    """What a design has or has not: its kind, of which component or pair, and its test, (N,) bool."""

    kind: str
    subject: str
    holds: Callable[[Population], Flags]


def compute(case: Case) -> Json:
    """``valid``: share of designs with every required property; ``properties``: the share for each of them.

    ``empty``: share of designs in which a component (``any``: at least one) has no pixel. ``overlap``: share
    in which two components (``any``: at least two) share a pixel.
    """
    names = case.spec.component_names
    required = list(_required(case, _candidates(names)))
    properties: Json = {}
    for kind, subject, holds in required:
        properties.setdefault(kind, {})[subject] = _share(case, holds)
    empty: Tests = {name: partial(_is_empty, component=c) for c, name in enumerate(names)}
    overlap: Tests = {
        f"{names[a]}_{names[b]}": partial(_overlaps, pair=k) for k, (a, b) in enumerate(pairs(len(names)))
    }
    return {
        "valid": _share(case, partial(_has_all, required=required)),
        "properties": properties,
        "empty": {name: _share(case, test) for name, test in {**empty, "any": _any_empty}.items()},
        "overlap": {name: _share(case, test) for name, test in {**overlap, "any": _any_overlap}.items()},
    }


def _share(case: Case, holds: Callable[[Population], Flags]) -> Json:
    return case.share(holds(case.generated), floor=holds)


def _candidates(names: tuple[str, ...]) -> Iterator[list[Property]]:
    """Properties in groups, each from the strictest: the strictest that real designs have is required."""
    for c, name in enumerate((*names, "union")):
        yield [Property("nonempty", name, partial(_has_pieces, component=c))]
        yield [
            Property(f"one_piece_{k}", name, partial(_is_one_piece, component=c, connectivity=k))
            for k in CONNECTIVITIES
        ]
    for k, (a, b) in enumerate(pairs(len(names))):
        pair = f"{names[a]}_{names[b]}"
        yield [Property("disjoint", pair, partial(_is_disjoint, pair=k))]
        yield [
            Property(f"touching_{connectivity}", pair, partial(_touches, pair=k, side=side))
            for side, connectivity in enumerate(CONNECTIVITIES)
        ]


def _required(case: Case, groups: Iterable[list[Property]]) -> Iterator[Property]:
    """The first property of each group that the real designs have."""
    needed = REAL_SHARE * (len(case.train) + len(case.test))
    for group in groups:
        met = (each for each in group if each.holds(case.train).sum() + each.holds(case.test).sum() >= needed)
        yield from list(met)[:1]


def _has_all(population: Population, required: Iterable[Property]) -> Flags:
    everything = np.ones(len(population), dtype=np.bool_)
    for each in required:
        everything &= each.holds(population)
    return everything


def _has_pieces(population: Population, component: int) -> Flags:
    return np.asarray(population.pieces(4)[:, component] > 0)


def _is_one_piece(population: Population, component: int, connectivity: int) -> Flags:
    return np.asarray(population.pieces(connectivity)[:, component] == 1)


def _touches(population: Population, pair: int, side: int) -> Flags:
    return population.contacts()[:, pair, side]


def _is_disjoint(population: Population, pair: int) -> Flags:
    return np.asarray(population.shared()[:, pair] == 0)


def _overlaps(population: Population, pair: int) -> Flags:
    return np.asarray(population.shared()[:, pair] > 0)


def _any_overlap(population: Population) -> Flags:
    return np.asarray((population.shared() > 0).any(axis=1))


def _is_empty(population: Population, component: int) -> Flags:
    return np.asarray(population.areas()[:, component] == 0)


def _any_empty(population: Population) -> Flags:
    return np.asarray((population.areas() == 0).any(axis=1))


METRIC = Metric(
    key="validity",
    title="Validity",
    modes=TASKS,
    headlines=(
        Headline("valid", "valid", better="higher", ranked=True, bounds=(0, 1)),
        Headline("empty", "empty.any", limit=0.5, bounds=(0, 1)),
        Headline("overlap", "overlap.any", bounds=(0, 1)),
    ),
    compute=compute,
)
