"""Memorisation: designs nearer to train designs than unseen real ones are, and designs drawn twice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.neighbours import kinds, nearest_distances
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json, number

QUANTILE = 0.01  # of the test designs' distances: up to it a design counts as copied
MOST = 1000  # test designs that the quantile is read from
BINS = 24  # of the histogram

Floats = NDArray[np.float64]


class Unseen(NamedTuple):
    """What real designs show that are in no train split: (M,) distances to the nearest train design (px)."""

    distances: Floats
    threshold: float


def compute(case: Case) -> Json:
    """Distances to the nearest train design, in pixels that differ over all components.

    ``copied``: share of generated designs as near to a train design as the nearest 1 % of the test designs
    are; an unseen real design counts as copied with that probability, or with a higher one where test designs
    repeat train designs. ``distance``: mean distance of the generated designs. ``duplicates``: share of
    generated designs of which the set holds another, pixel for pixel.
    ``test``: ``mean`` distance of test designs, and the ``threshold`` up to which a design counts as copied.
    ``histogram``: ``edges`` (px), and the share of ``generated`` and ``test`` designs between them.

    Floors: test designs drawn as often as there are generated ones; for ``duplicates`` train designs.
    """
    unseen = case.once("memorisation", lambda: _unseen(case))
    distances = nearest_distances(_masks(case.generated), _masks(case.train))
    drawn = _drawn(case, unseen.distances)
    again = _repeated(kinds(_masks(case.generated)))
    return {
        "copied": case.share(distances <= unseen.threshold, floor=(drawn <= unseen.threshold).mean(axis=1)),
        "duplicates": case.share(again, floor=_duplicates_among_train(case)),
        "distance": case.mean(distances, floor=drawn.mean(axis=1)),
        "test": {
            "mean": number(float(unseen.distances.mean())),
            "threshold": number(unseen.threshold),
            "designs": len(unseen.distances),
        },
        "histogram": _histogram(distances, unseen.distances),
    }


def _unseen(case: Case) -> Unseen:
    """Seeded test designs, the same ones for every run and mode."""
    rng = np.random.default_rng(derive(0, "memorisation", len(case.test)))
    chosen = np.sort(rng.permutation(len(case.test))[:MOST])
    distances = nearest_distances(_masks(case.test.rows(chosen)), _masks(case.train))
    return Unseen(distances, float(np.quantile(distances, QUANTILE)))


def _drawn(case: Case, distances: Floats) -> Floats:
    """(R, n) distances of test designs, drawn with replacement: there may be fewer of them than designs."""
    count, repeats = len(case.generated), len(case.draws.train)
    rng = np.random.default_rng(derive(0, "memorisation floor", count))
    return distances[rng.integers(0, len(distances), (repeats, count))]


def _duplicates_among_train(case: Case) -> Floats:
    """(R,) the share of repeated designs in each draw of train designs."""
    kind = case.once("kinds of train designs", lambda: kinds(_masks(case.train)))
    return np.array([_repeated(kind[draw > 0]).mean() for draw in case.draws.train])


def _repeated(kind: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) whether another design is of the same kind."""
    return np.asarray(np.bincount(kind)[kind] > 1)


def _histogram(generated: Floats, test: Floats) -> Json:
    edges = np.linspace(0, max(generated.max(), test.max(), 1), BINS + 1)
    shares = {
        name: [number(share) for share in np.histogram(side, edges)[0] / len(side)]
        for name, side in (("generated", generated), ("test", test))
    }
    return {"edges": [number(edge) for edge in edges], **shares}


def _masks(population: Population) -> NDArray[np.bool_]:
    return population.lit(population.images)


METRIC = Metric(
    key="memorisation",
    title="Memorisation",
    modes=(Mode.UNCONDITIONAL, Mode.CONDITIONAL),
    headlines=(
        Headline("copied", "copied", limit=0.05, bounds=(0, 1), title="Copied train designs"),
        Headline("duplicates", "duplicates", bounds=(0, 1), title="Designs drawn twice"),
        # neither way is better: the worst families are the farthest, copies the nearest
        Headline("nearest_train", "distance", "neither", unit="px", title="Distance to nearest train design"),
    ),
    compute=compute,
    values=("binary",),
)
