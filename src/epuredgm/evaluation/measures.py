"""Conditions as they are read back from the designs of a set, whether a metric or a report wants them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.spec import Condition
from epuredgm.data.designs import Stored
from epuredgm.data.measure import measure_of
from epuredgm.evaluation.population import Population

Floats = NDArray[np.float64]


def measured(population: Population, condition: Condition) -> Floats:
    """(N,) the condition as measured on the designs, in its own unit; NaN where it cannot be.

    Raises:
        BadRequest: if the declared function is not one of this package.
    """
    measure = measure_of(condition)

    def compute(images: Stored) -> Floats:  # on masks, as every other figure
        return np.asarray(measure(population.lit(images).view(np.uint8)), dtype=np.float64)

    return population.feature(str(condition.measure), compute)


def errors(population: Population, condition: Condition) -> Floats:
    """(N,) measured minus asked; NaN where either is missing."""
    return measured(population, condition) - population.condition(condition.name)


def asked_and_measured(population: Population, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions of which at least one design was asked something that can be measured."""
    return tuple(
        condition
        for condition in conditions
        if condition.measure is not None and np.isfinite(population.condition(condition.name)).any()
    )
