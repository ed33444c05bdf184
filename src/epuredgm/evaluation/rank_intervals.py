"""Where the rank of each model may lie: rankings made again of figures that are redrawn.

A redrawn figure is the mean over seeds, and two deviations from it:

* by training: the seeds' own deviations, weighted at random so that their sum is Student's t of the seeds'
  spread. All figures of a model take the same weights, for a bad training is bad at everything. It is a
  bootstrap over seeds that is as wide as few seeds demand; one seed has no such part;
* by designs: a stored replicate of one of the seeds, the same one of all models, since they were resampled
  alike. Where a figure has no replicates, or they do not vary though its interval has a width, a normal
  deviation as wide as the interval takes their place.

A rank interval holds the middle of the redrawn ranks, and the observed one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.seeds import derive
from epuredgm.evaluation.differences import Resamples
from epuredgm.evaluation.ranking import Column, Ranking, rank
from epuredgm.evaluation.runs import Result, Runs, Table

Floats = NDArray[np.float64]
Ranks = Mapping[str, tuple[int, int] | None]

REPEATS = 200
"""Rankings that are made again."""


def rank_intervals(rankings: Mapping[str, Ranking], runs: Runs, resamples: Resamples) -> dict[str, Ranks]:
    """Ranking -> model -> least and greatest rank at the runs' confidence.

    None for all models of a ranking that hangs on a figure of which nobody knows how sure it is, and of one
    that ranks a single model.
    """
    draws = _Draws(runs, resamples)
    return {
        name: _intervals(ranking, runs.tasks.get(name, runs.overall), draws)
        for name, ranking in rankings.items()
    }


def _intervals(ranking: Ranking, table: Table, draws: _Draws) -> Ranks:
    models = [row.model for row in ranking.rows]
    redrawn = [(column, _redrawn(column, models, table, draws)) for column in _behind(ranking)]
    if len(models) < 2 or not redrawn or any(values is None for _, values in redrawn):
        return dict.fromkeys(models)
    places = np.array([_again(ranking, models, redrawn, k) for k in range(REPEATS)])
    ends = [(1 - draws.runs.confidence) / 2, (1 + draws.runs.confidence) / 2]
    low, high = np.quantile(places, ends, axis=0, method="inverted_cdf")
    return {
        model: (min(position, int(low[i])), max(position, int(high[i])))
        for i, (position, model) in enumerate(enumerate(models, 1))
    }


def _behind(ranking: Ranking) -> tuple[Column, ...]:
    return (ranking.by,) if ranking.by is not None else ranking.columns


def _redrawn(
    column: Column, models: list[str], table: Table, draws: _Draws
) -> dict[str, Floats | None] | None:
    """Model -> (REPEATS,) values, None where it has none; None if there is a value without any spread."""
    found: dict[str, Floats | None] = {}
    for model in models:
        value, mode = column.values[model], table[model][column.name].mode
        if value is None or mode is None:
            found[model] = None
            continue
        deviations = draws.of(model, mode, column.name)
        if deviations is None:
            return None
        found[model] = value + deviations
    return found


def _again(
    ranking: Ranking, models: list[str], redrawn: list[tuple[Column, dict[str, Floats | None] | None]], k: int
) -> list[int]:
    """Positions of the models in the k-th ranking."""
    columns = [
        replace(column, values={m: None if v is None else float(v[k]) for m, v in (values or {}).items()})
        for column, values in redrawn
    ]
    alone = columns[0] if ranking.by is not None else None
    again = rank("", "", models, [] if alone else columns, ranking.set_back, alone)
    position = {row.model: number for number, row in enumerate(again.rows, 1)}
    return [position[model] for model in models]


@dataclass
class _Draws:
    """Deviations of figures from their means; every choice hangs on names and counts alone."""

    runs: Runs
    resamples: Resamples

    def __post_init__(self) -> None:
        rng = np.random.default_rng(derive(0, "rank intervals"))
        self.seed, self.resample = rng.random((2, REPEATS))
        self.weights = {model: _weights(len(own), model) for model, own in self.runs.by_model.items()}

    def of(self, model: str, mode: str, name: str) -> Floats | None:
        """(REPEATS,) deviations of one figure of one model; None if nobody knows how sure it is."""
        found = self.runs.headlines[name]
        figures = [(run, self.runs.figure(run, mode, found)) for run in self.runs.by_model[model]]
        known = [
            (k, run, figure)
            for k, (run, figure) in enumerate(figures)
            if figure is not None and figure["value"] is not None
        ]
        values = np.array([figure["value"] for _, _, figure in known])
        training = np.zeros(REPEATS)
        if len(values) > 1:
            weights = self.weights[model]
            if len(values) < len(figures):
                weights = _weights(len(values), model)
            training = weights @ (values - values.mean())
        designs = [self._designs(run, mode, name, figure["interval"]) for _, run, figure in known]
        if any(each is None for each in designs):
            return training if len(values) > 1 else None
        chosen = np.minimum((self.seed * len(designs)).astype(np.int64), len(designs) - 1)
        return np.asarray(training + np.array(designs)[chosen, np.arange(REPEATS)])

    def _designs(self, run: Result, mode: str, name: str, interval: list[float] | None) -> Floats | None:
        """(REPEATS,) deviations of one run's figure by the draw of designs."""
        own = self.resamples.get((run["model"], run["seed"]), {}).get(f"{mode}/{name}")
        if own is not None and len(finite := own[np.isfinite(own)].astype(np.float64)) > 1 and np.ptp(finite):
            chosen = (self.resample * len(finite)).astype(np.int64)
            return np.asarray((finite - finite.mean())[np.minimum(chosen, len(finite) - 1)])
        if interval is None or None in interval:
            return None
        scale = (interval[1] - interval[0]) / 2 / NormalDist().inv_cdf((1 + self.runs.confidence) / 2)
        rng = np.random.default_rng(derive(run["seed"], "rank intervals", run["model"], mode, name))
        return np.asarray(scale * rng.standard_normal(REPEATS))


def _weights(seeds: int, model: str) -> Floats:
    """(REPEATS, S): deviations of S seeds, so weighted, sum to Student's t of their mean's standard error."""
    rng = np.random.default_rng(derive(seeds, "rank intervals", "training", model))
    weights = rng.standard_normal((REPEATS, seeds))
    if seeds < 2:
        return weights
    chi = np.sqrt(rng.chisquare(seeds - 1, REPEATS) / (seeds - 1))
    return np.asarray(weights / (chi[:, None] * math.sqrt(seeds * (seeds - 1))))
