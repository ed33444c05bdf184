"""The properties that all real designs have: what makes a design valid. The data are the rule.

Candidates are: not empty and in one piece (each component and the union), disjoint and touching (each pair).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epuredgm.evaluation.case import Case
from epuredgm.evaluation.geometry import pairs
from epuredgm.evaluation.population import Population

REAL_SHARE = 0.999
"""A property is required if at least this share of the real designs has it: a spoiled scan or two may not."""

CONNECTIVITIES = (4, 8)

Flags = NDArray[np.bool_]


class Property(NamedTuple):
    """What a design has or has not: its kind, of which component or pair, and its test, (N,) bool."""

    kind: str
    subject: str
    holds: Callable[[Population], Flags]


def required(case: Case) -> tuple[Property, ...]:
    """The strictest property of each group of candidates that the real designs have."""
    return case.once("required properties", lambda: tuple(_required(case)))


def valid(population: Population, properties: tuple[Property, ...]) -> Flags:
    """(N,) which designs have every property."""
    everything = np.ones(len(population), dtype=np.bool_)
    for each in properties:
        everything &= each.holds(population)
    return everything


def _required(case: Case) -> Iterator[Property]:
    needed = REAL_SHARE * (len(case.train) + len(case.test))
    for group in _candidates(case.spec.component_names):
        met = (each for each in group if each.holds(case.train).sum() + each.holds(case.test).sum() >= needed)
        yield from list(met)[:1]


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


def _has_pieces(population: Population, component: int) -> Flags:
    return np.asarray(population.pieces(4)[:, component] > 0)


def _is_one_piece(population: Population, component: int, connectivity: int) -> Flags:
    return np.asarray(population.pieces(connectivity)[:, component] == 1)


def _touches(population: Population, pair: int, side: int) -> Flags:
    return population.contacts()[:, pair, side]


def _is_disjoint(population: Population, pair: int) -> Flags:
    return np.asarray(population.shared()[:, pair] == 0)
