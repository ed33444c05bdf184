"""Overlap of components: distance between generated and real distributions of pairwise IoU and Dice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.geometry import pairs
from epuredgm.evaluation.marginal import Distance, mean_and_std
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json, scalar

KINDS = ("iou_wd", "dice_wd")


def compute(case: Case) -> Json:
    """``<a>_<b>.{iou_wd, dice_wd}`` for each pair of components, and their ``average`` over pairs."""
    names = case.spec.component_names
    chosen = pairs(len(names))
    if not chosen:
        alone = scalar(None, reason="one component has no pair")
        return {"average": dict.fromkeys(KINDS, alone)}
    distances = {
        f"{names[a]}_{names[b]}": [_distance(case, k, kind, (a, b)) for kind in range(len(KINDS))]
        for k, (a, b) in enumerate(chosen)
    }
    result: Json = {
        pair: {kind: d.scalar(case.confidence) for kind, d in zip(KINDS, both, strict=True)}
        for pair, both in distances.items()
    }
    by_kind = dict(zip(KINDS, zip(*distances.values(), strict=True), strict=True))
    result["average"] = {k: Distance.mean(parts).scalar(case.confidence) for k, parts in by_kind.items()}
    result["legacy"] = {
        pair: _legacy(dict(zip(KINDS, both, strict=True))) for pair, both in distances.items()
    }
    result["legacy"]["average"] = {
        kind: mean_and_std(np.concatenate([part.resampled for part in parts]))
        for kind, parts in by_kind.items()
    }
    return result


def _distance(case: Case, pair: int, kind: int, components: tuple[int, int]) -> Distance:
    def values(population: Population) -> NDArray[np.float64]:
        return population.overlaps()[:, pair, kind]

    # Where one of the two is never drawn, an overlap of 0 would be praise for nothing; unless none is real.
    never = [
        case.spec.component_names[c]
        for c in components
        if not case.generated.areas()[:, c].any() and c not in case.absent
    ]
    return case.wasserstein(values, missing=f"every generated {never[0]} is empty" if never else "")


def _legacy(parts: dict[str, Distance]) -> dict[str, list[float | None]]:
    return {kind: distance.legacy() for kind, distance in parts.items()}


METRIC = Metric(
    key="iou_dice",
    title="Overlap of components",
    modes=TASKS,
    headlines=(
        Headline("iou", "average.iou_wd", ranked=True, title="Overlap of components, IoU"),
        Headline("dice", "average.dice_wd", title="Overlap of components, Dice"),
    ),
    compute=compute,
    values=("binary",),
)
