"""Which model is best: by a metric that decides alone where every run has it, else by mean rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MEAN_RANK = "mean_rank"


@dataclass(frozen=True)
class Column:
    """One headline figure of every model.

    Attributes:
        name: the figure's name in summaries.
        better: ``lower`` or ``higher``.
        values: model -> mean over its runs, or None where it has none.
        decides: it ranks alone if every run has it.
        complete: every run of every model has it.
    """

    name: str
    better: str
    values: Mapping[str, float | None]
    decides: bool = False
    complete: bool = False


@dataclass(frozen=True)
class Ranking:
    """Models from best to worst.

    Attributes:
        metric: what ranked them, the name of a column or ``mean_rank``.
        reason: why that one.
        over: names of the columns behind it.
        values: model -> the figure that ranked it, best first; None for a model without one.
        places: model -> column name -> its rank there, 1 for the best; equal values share their mean rank.
    """

    metric: str
    reason: str
    over: tuple[str, ...]
    values: Mapping[str, float | None]
    places: Mapping[str, Mapping[str, float]]


def rank(models: Sequence[str], columns: Sequence[Column]) -> Ranking:
    """Rank ``models`` by the first deciding column that is complete, else by mean rank over the others.

    A model without a figure is last in that column. Equal models stand in the order of their ranks column by
    column, then of their names, so that the result never depends on the order of reading.
    """
    places = {column.name: _places(models, column) for column in columns}
    by_model = {model: {name: places[name][model] for name in places} for model in models}
    chosen = next((column for column in columns if column.decides and column.complete), None)
    others = [column.name for column in columns if not column.decides]
    over = (chosen.name,) if chosen else tuple(others)
    keys = {model: _mean([by_model[model][name] for name in over]) for model in models}
    order = sorted(models, key=lambda model: (keys[model], [by_model[model][name] for name in others], model))
    return Ranking(
        metric=chosen.name if chosen else MEAN_RANK,
        reason=f"every run has {chosen.name}" if chosen else _why_mean_rank(columns),
        over=over,
        values={model: chosen.values[model] if chosen else keys[model] for model in order},
        places=by_model,
    )


def _mean(ranks: Sequence[float]) -> float:
    return sum(ranks) / len(ranks) if ranks else 1.0


def _why_mean_rank(columns: Sequence[Column]) -> str:
    deciding = [column.name for column in columns if column.decides]
    return f"not every run has {' or '.join(deciding)}" if deciding else "no metric decides alone"


def _places(models: Sequence[str], column: Column) -> dict[str, float]:
    sign = 1 if column.better == "lower" else -1
    cost = {}
    for model in models:
        value = column.values[model]
        cost[model] = float("inf") if value is None else sign * value
    places = {}
    for model in models:
        ahead = sum(cost[other] < cost[model] for other in models)
        level = sum(cost[other] == cost[model] for other in models)
        places[model] = ahead + (level + 1) / 2
    return places
