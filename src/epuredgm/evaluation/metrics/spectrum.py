"""Power spectrum: how fast the power of grey pictures falls with frequency, inside the body."""

from __future__ import annotations

import numpy as np

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation import described
from epuredgm.evaluation.case import Case, Floats
from epuredgm.evaluation.marginal import Distance
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import weighted_means
from epuredgm.evaluation.scalar import Json, number, scalar


def compute(case: Case) -> Json:
    """``slope``: mean b of a power falling as 1 / f^b; ``slope_real``: the same of the real side.

    ``difference``: absolute difference of the two means; its floor is that of real against real.
    ``curves``: ``frequency`` in cycles per picture, mean log10 power of ``generated`` and ``real``.
    """
    missing = "no picture has a body"
    slopes = described.slopes
    return {
        "slope": case.mean(slopes(case.generated), floor=slopes, missing=missing),
        "slope_real": number(_mean(slopes(case.real))),
        "difference": _difference(case, missing),
        "curves": {
            "frequency": list(range(1, described.spectra(case.real).shape[-1] + 1)),
            "generated": _curve(case.generated),
            "real": _curve(case.real),
        },
    }


def _difference(case: Case, missing: str) -> Json:
    generated, real = described.slopes(case.generated), described.slopes(case.real)
    draws = case.draws
    pools = described.slopes(case.train), described.slopes(case.test)

    def of_draws(weights: tuple[Floats, Floats]) -> Floats:
        return np.abs(weighted_means(weights[0], pools[0]) - weighted_means(weights[1], pools[1]))

    floors = case.fair(of_draws(case.weights_of_draws), lambda: of_draws((draws.train, draws.test)))
    value = _mean(generated) - _mean(real)
    if not np.isfinite(value):
        return scalar(None, floors=floors, reason=missing)
    resampled = weighted_means(draws.generated, generated) - weighted_means(draws.real, real)
    distance = Distance(abs(value), np.abs(resampled), np.abs(resampled - value), floors)
    return distance.scalar(case.confidence)


def _curve(population: Population) -> list[float | None]:
    """Mean log10 power at each frequency, over pictures and components with a body."""
    logs = described.spectra(population).reshape(-1, described.spectra(population).shape[-1])
    known = logs[np.isfinite(logs).all(axis=1)] / np.log(10)
    return [number(float(value)) for value in known.mean(axis=0)] if len(known) else []


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


METRIC = Metric(
    key="spectrum",
    title="Power spectrum",
    modes=TASKS,
    headlines=(Headline("spectrum", "difference", ranked=True, title="Difference in spectral slope"),),
    compute=compute,
    values=("grey",),
)
