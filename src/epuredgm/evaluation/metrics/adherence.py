"""Adherence: the conditions that were asked for against those measured on the designs that came back."""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.core.spec import Condition
from epuredgm.data.measure import signs_of
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.correlation import rank_correlations
from epuredgm.evaluation.measures import asked_and_measured, errors, measured
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import percentile_interval
from epuredgm.evaluation.scalar import Json, scalar

Floats = NDArray[np.float64]


def compute(case: Case) -> Json:
    """For each condition that was asked for and that the data set knows how to measure.

    ``conditions.<name>``: ``mae`` (mean absolute error, in the condition's unit), ``within_one`` (share of
    designs at most one unit off; one that cannot be measured is off), ``bias`` (mean signed error),
    ``rank_correlation`` (Spearman) and ``unmeasurable`` (share of designs without a measure, left out of the
    other figures). ``below`` and ``above`` say what a bias below and above 0 is called. Floors measure the
    real train designs against their own table.
    """
    chosen = asked_and_measured(case.generated, case.spec.conditions)
    if not chosen:
        return {"conditions": {}, "reason": "no condition was asked for that can be measured on a design"}
    return {"conditions": {condition.name: _adherence(case, condition) for condition in chosen}}


def _adherence(case: Case, condition: Condition) -> Json:
    def error(population: Population) -> Floats:
        return errors(population, condition)

    def distance(population: Population) -> Floats:
        return np.abs(error(population))

    def near(population: Population) -> NDArray[np.bool_]:
        return distance(population) <= 1  # NaN is not

    def unmeasurable(population: Population) -> NDArray[np.bool_]:
        return ~np.isfinite(measured(population, condition))

    reason = "no design could be measured"
    below, above = signs_of(condition)
    return {
        "unit": condition.unit,
        "below": below,
        "above": above,
        "mae": case.mean(distance(case.generated), floor=distance, missing=reason),
        "bias": case.mean(error(case.generated), floor=error, missing=reason),
        "within_one": case.share(near(case.generated), floor=near),
        "rank_correlation": _correlation(case, condition),
        "unmeasurable": case.share(unmeasurable(case.generated), floor=unmeasurable),
    }


def _correlation(case: Case, condition: Condition) -> Json:
    def correlations(population: Population, weights: NDArray[np.float32] | Floats) -> Floats:
        asked, found = population.condition(condition.name), measured(population, condition)
        known = np.isfinite(asked) & np.isfinite(found)
        return rank_correlations(asked[known], found[known], weights[:, known])

    floors = correlations(case.train, case.draws.train)
    value = float(correlations(case.generated, np.ones((1, len(case.generated))))[0])
    if not np.isfinite(value):
        return scalar(None, floors=floors, reason="the asked or the measured values do not vary")
    resampled = correlations(case.generated, case.draws.generated)
    interval = percentile_interval(resampled, case.confidence)
    return scalar(value, interval, floors, replicates=lambda: resampled)


METRIC = Metric(
    key="adherence",
    title="Adherence to conditions",
    modes=(Mode.CONDITIONAL, Mode.INPAINTING, Mode.EXTRAPOLATION),
    headlines=(
        Headline("adherence_*", "conditions.*.mae", ranked=True, title="Error in *"),
        Headline(
            "bias_*",
            "conditions.*.bias",
            better="neither",
            bounds=(-inf, inf),
            title="Bias in *",
            beside="adherence_*",
        ),
        Headline(
            "within_one_*",
            "conditions.*.within_one",
            better="higher",
            bounds=(0, 1),
            title="Share within 1 of asked *",
        ),
        Headline(
            "rank_correlation_*",
            "conditions.*.rank_correlation",
            better="higher",
            bounds=(-1, 1),
            title="Rank correlation with asked *",
        ),
    ),
    compute=compute,
)
