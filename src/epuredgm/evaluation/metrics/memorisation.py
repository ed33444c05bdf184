"""Memorisation: whether generated designs are nearer to train designs than unseen real designs are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.neighbours import nearest_distances
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json

QUANTILE = 0.01  # of the test designs' distances: below it a design counts as copied
MOST = 1000  # test designs that the quantile is read from


def compute(case: Case) -> Json:
    """Distances to the nearest train design, in pixels that differ over all components.

    ``copied``: share of generated designs nearer to a train design than all but 1 % of the test designs are;
    an unseen real design counts as copied with that probability. ``distance``: mean distance of the generated
    designs. ``test``: ``mean`` distance of test designs, and the ``threshold`` below which a design counts.
    """
    train = _masks(case.train)
    reference = _reference(case, train)
    threshold = float(np.quantile(reference, QUANTILE))
    distances = nearest_distances(_masks(case.generated), train)
    return {
        "copied": case.share(distances < threshold),
        "distance": case.mean(distances),
        "test": {"mean": float(reference.mean()), "threshold": threshold, "designs": len(reference)},
    }


def _reference(case: Case, train: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distances of test designs, the same ones for every run and mode, to their nearest train designs."""
    rng = np.random.default_rng(derive(0, "memorisation", len(case.test)))
    chosen = np.sort(rng.permutation(len(case.test))[:MOST])
    return nearest_distances(_masks(case.test.rows(chosen)), train)


def _masks(population: Population) -> NDArray[np.bool_]:
    return population.lit(population.images)


METRIC = Metric(
    key="memorisation",
    title="Memorisation",
    modes=(Mode.UNCONDITIONAL, Mode.CONDITIONAL),
    headlines=(
        Headline("copied", "copied", limit=0.05, bounds=(0, 1)),
        Headline("nearest_train", "distance", "higher", unit="px"),
    ),
    compute=compute,
)
