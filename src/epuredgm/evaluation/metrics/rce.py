"""RCE, the count error: how far the whole design is from being one 4-connected piece."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json, number


def compute(case: Case) -> Json:
    """``gen_wd``: mean ``|n - 1|`` over generated designs, n being the pieces of the union of all components.

    That is the W1 distance between the counts and a point mass at 1. ``real_wd``: the same for the real side.
    """
    return {
        "gen_wd": case.mean(excess(case.generated), floor=excess),
        "real_wd": number(float(excess(case.real).mean())),
    }


def excess(population: Population) -> NDArray[np.float64]:
    """(N,) pieces of the union too many, or too few."""
    return np.abs(population.pieces(4)[:, -1] - 1).astype(np.float64)


METRIC = Metric(
    key="rce",
    title="Count error of the whole design",
    modes=TASKS,
    headlines=(Headline("rce", "gen_wd", unit="pieces", ranked=True, title="Count error"),),
    compute=compute,
    values=("binary",),
)
