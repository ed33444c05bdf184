"""Extrapolation: whether designs still follow a condition that lies beyond everything seen in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.core.spec import Condition
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.measures import asked_and_measured, errors, measured
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.properties import required, valid
from epuredgm.evaluation.resampling import percentile_interval, weighted_means
from epuredgm.evaluation.scalar import Figure, Json, number, scalar

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BINS = 8
"""Bins of the adherence curve within the train range; those outside it are as wide."""

ROUNDING = 2.0**-23
"""Asked values are stored in single precision: what differs from an end of the range by less is that end."""


@dataclass(frozen=True)
class Sweep:
    """One condition as it was asked for.

    Attributes:
        asked: (n,) in the condition's unit.
        counts: (n,) whether a design belongs to this sweep: no other condition leaves its train range.
        low, high: ends of the train range.
    """

    asked: Floats
    counts: Flags
    low: float
    high: float

    @property
    def sides(self) -> NDArray[np.int64]:
        """(n,) -1 below the train range, 0 inside, 1 above."""
        return _sides(self.asked, self.low, self.high)

    @property
    def inside(self) -> Flags:
        """(n,) whether a design counts and is of a value that was seen in training."""
        return np.asarray(self.counts & (self.sides == 0))

    @property
    def outside(self) -> Flags:
        """(n,) whether a design counts and is of a value below or above those."""
        return np.asarray(self.counts & (self.sides != 0))


def compute(case: Case) -> Json:
    """For each condition that can be measured, over the designs whose other conditions were seen in training.

    ``conditions.<name>``: ``train`` (the train range); ``inside`` and ``outside`` (mean absolute error of
    what was asked within and beyond it); ``slope`` (of measured against asked values outside, each side
    around its own mean: 1 follows what is asked, 0 stays at what is known); ``valid`` (share of the designs
    outside with every property that real designs have) and ``curve``, see :func:`_curve`.
    """
    chosen = asked_and_measured(case.generated, case.spec.conditions)
    if not chosen:
        return {"conditions": {}, "reason": "no condition was asked for that can be measured on a design"}
    return {"conditions": {condition.name: _extrapolated(case, condition) for condition in chosen}}


def _extrapolated(case: Case, condition: Condition) -> Json:
    sweep = _sweep(case, condition)
    found = measured(case.generated, condition)
    error = np.abs(errors(case.generated, condition))

    def distance(population: Population) -> Floats:
        return np.abs(errors(population, condition))

    nothing = "no design {} the train range was asked for, or none could be measured"
    whole = valid(case.generated, required(case))
    return {
        "unit": condition.unit,
        "train": [number(sweep.low), number(sweep.high)],
        "inside": case.mean(
            np.where(sweep.inside, error, np.nan), floor=distance, missing=nothing.format("inside")
        ),
        "outside": case.mean(np.where(sweep.outside, error, np.nan), missing=nothing.format("outside")),
        "slope": _slope(case, sweep, found),
        "valid": case.share(whole, among=sweep.outside, missing=nothing.format("outside")),
        "curve": _curve(case, sweep, found, whole),
    }


def _sweep(case: Case, condition: Condition) -> Sweep:
    counts = np.isfinite(case.generated.condition(condition.name))
    for other in case.spec.conditions:
        if other.name != condition.name:
            asked = case.generated.condition(other.name)
            counts &= np.isnan(asked) | (_sides(asked, *_train_range(case, other)) == 0)
    low, high = _train_range(case, condition)
    return Sweep(case.generated.condition(condition.name), counts, low, high)


def _train_range(case: Case, condition: Condition) -> tuple[float, float]:
    known = case.train.condition(condition.name)
    return float(known.min()), float(known.max())


def _sides(asked: Floats, low: float, high: float) -> NDArray[np.int64]:
    slack = ROUNDING * max(abs(low), abs(high))
    return (asked > high + slack).astype(np.int64) - (asked < low - slack)


def _slope(case: Case, sweep: Sweep, found: Floats) -> Figure:
    """Least squares with one slope and an intercept for each side, over designs that could be measured."""
    rows = sweep.outside & np.isfinite(found)
    reason = "fewer than two values beyond the train range were asked for and measured"

    def slopes(weights: NDArray[np.float32] | Floats) -> Floats:
        shared, spread = np.zeros(len(weights)), np.zeros(len(weights))
        for side in (-1, 1):
            own = rows & (sweep.sides == side)
            x, y, w = sweep.asked[own], found[own], np.asarray(weights[:, own], dtype=np.float64)
            total = w.sum(axis=1)
            scale = np.where(total > 0, total, 1)
            dx = x - (np.einsum("bn,n->b", w, x) / scale)[:, None]
            shared += np.einsum("bn,bn,n->b", w, dx, y)
            spread += np.einsum("bn,bn,bn->b", w, dx, dx)
        return shared / np.where(spread > 0, spread, np.nan)

    value = float(slopes(np.ones((1, len(found))))[0])
    if not np.isfinite(value):
        return scalar(None, reason=reason)
    resampled = slopes(case.draws.generated)
    interval = percentile_interval(resampled, case.confidence)
    return scalar(value, interval, replicates=lambda: resampled)


def _curve(case: Case, sweep: Sweep, found: Floats, whole: Flags) -> list[Json]:
    """The adherence curve: bins of the asked value that hold a design, from the lowest, none across an end.

    ``asked`` and ``measured`` are means, ``low`` and ``high`` the interval of the latter (null, all three,
    where no design could be measured), ``valid`` the share of valid designs, ``count`` their number.
    """
    step = (sweep.high - sweep.low) / BINS or 1.0
    place = np.floor((sweep.asked - sweep.low) / step)
    inner, below = np.clip(place, 0, BINS - 1), np.minimum(place, -1)
    place = np.select([sweep.sides == 0, sweep.sides < 0], [inner, below], np.maximum(place, BINS))
    points = []
    for each in np.unique(place[sweep.counts]):
        rows = sweep.counts & (place == each)
        points.append(_point(case, sweep, rows, found, whole))
    return points


def _point(case: Case, sweep: Sweep, rows: Flags, found: Floats, whole: Flags) -> Json:
    known = rows & np.isfinite(found)
    resampled = weighted_means(case.draws.generated[:, known], found[known])
    low, high = percentile_interval(resampled, case.confidence) or (None, None)
    return {
        "asked": number(float(sweep.asked[rows].mean())),
        "measured": number(float(found[known].mean())) if known.any() else None,
        "low": number(low),
        "high": number(high),
        "valid": number(float(whole[rows].mean())),
        "inside": bool((sweep.sides[rows] == 0).all()),
        "count": int(rows.sum()),
    }


METRIC = Metric(
    key="extrapolation",
    title="Conditions beyond the train range",
    modes=(Mode.EXTRAPOLATION,),
    headlines=(
        Headline("inside_*", "conditions.*.inside", title="Error in * within the train range"),
        Headline("outside_*", "conditions.*.outside", title="Error in * beyond the train range"),
    ),
    compute=compute,
)
