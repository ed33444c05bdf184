"""Diversity: how far apart several completions of one given component are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json, scalar


def compute(case: Case) -> Json:
    """``distance``: mean over designs of the mean of 1 - IoU over pairs of completions, in [0, 1].

    The IoU is over the pixels of all generated components together, each in its own channel; two completions
    without any are equal. 0 is one and the same design again and again. There is no floor: nature gives one
    design around each component.
    """
    rounds = (case.generated, *case.completions)
    if len(rounds) < 2:
        reason = "one completion was drawn of each design; sampling.completions=4 draws four"
        return {"distance": scalar(None, reason=reason)}
    if case.given.all():
        return {"distance": scalar(None, reason="every component was given")}
    masks = [_generated(each, case.given) for each in rounds]
    pairs = [_distance(a, b) for a, b in combinations(masks, 2)]
    return {"distance": case.mean(np.mean(pairs, axis=0))}


def _generated(population: Population, given: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n, C, H, W) the masks of the components that were not given."""
    return population.lit(population.images) & ~given[:, :, None, None]


def _distance(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) 1 - IoU of each design of one round with that of the other."""
    both = (a & b).sum(axis=(1, 2, 3), dtype=np.float64)
    either = (a | b).sum(axis=(1, 2, 3), dtype=np.float64)
    iou = np.divide(both, either, out=np.ones_like(both), where=either > 0)
    return np.asarray(1 - iou)


METRIC = Metric(
    key="diversity",
    title="Diversity of completions",
    modes=(Mode.INPAINTING,),
    headlines=(Headline("diversity", "distance", better="neither"),),
    compute=compute,
    values=("binary",),
)
