"""Strata of a case: the pictures of each category, and of each bin of a number such as an age."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.spec import Condition, DataSpec
from epuredgm.evaluation.population import Population

BINS = 3  # of a number: thirds of the train pictures
Flags = NDArray[np.bool_]


class Stratum(NamedTuple):
    """The pictures whose ``condition`` lies from ``low`` up to, not including, ``high``."""

    condition: str
    name: str
    low: float
    high: float

    def of(self, population: Population) -> Flags:
        """(N,) whether each picture is in it; an unknown value is in none."""
        if self.condition not in population.condition_names:
            return np.zeros(len(population), dtype=np.bool_)
        values = population.condition(self.condition)
        return np.asarray((values >= self.low) & (values < self.high))


def strata(spec: DataSpec, train: Population) -> Iterator[Stratum]:
    """All strata of a data set: every category; thirds of the train pictures' numbers."""
    for condition in spec.conditions:
        if condition.values:
            for place, name in enumerate(condition.values):
                yield Stratum(condition.name, name, place - 0.5, place + 0.5)
        else:
            yield from _bins(condition, train)


def _bins(condition: Condition, train: Population) -> Iterator[Stratum]:
    values = train.condition(condition.name)
    known = values[np.isfinite(values)]
    if not known.size:
        return
    inner = np.unique(np.quantile(known, np.arange(1, BINS) / BINS).round(6))
    edges = [-np.inf, *inner.tolist(), np.inf]
    for low, high in pairwise(edges):
        if low == -np.inf:
            name = f"below {high:g}" if high < np.inf else "all"
        else:
            name = f"{low:g} and above" if high == np.inf else f"{low:g} to {high:g}"
        yield Stratum(condition.name, name.replace(".", "_"), low, high)
