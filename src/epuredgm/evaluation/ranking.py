"""Models in order, by one figure or by their mean rank over several; three rules make the order fair.

* Nobody is better than real designs: figures up to two standard deviations of the floor beyond the floor are
  level, so that noise around the floor ranks nobody. Raw values break what ties are left, then names.
* A model that is set back (it copies, or draws nothing) stands behind all others in every column.
* A model without a figure is last of its kind in that column.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MEAN_RANK = "mean_rank"

LEVEL = 2.0
"""Standard deviations of real-against-real draws within which a figure is level with real designs."""


@dataclass(frozen=True)
class Column:
    """One headline figure of every model.

    Attributes:
        name: the figure's name in summaries.
        better: ``lower`` or ``higher``.
        values: model -> mean over its runs, or None where it has none.
        floors: model -> mean and standard deviation of the figure between real designs, or None.
    """

    name: str
    better: str
    values: Mapping[str, float | None]
    floors: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)

    def raw(self, model: str) -> float:
        """The figure as a cost; infinite where there is none."""
        value = self.values[model]
        return math.inf if value is None else self._sign * value

    def cost(self, model: str) -> float:
        """How much worse it is than real designs can be by chance; the raw cost where a floor is missing."""
        value, floor = self.values[model], self.floors.get(model)
        if any(v is not None and self.floors.get(m) is None for m, v in self.values.items()):
            return self.raw(model)
        if value is None or floor is None:
            return math.inf
        mean, std = floor
        return max(0.0, self._sign * (value - mean) - LEVEL * std)

    @property
    def _sign(self) -> int:
        return 1 if self.better == "lower" else -1


@dataclass(frozen=True)
class Row:
    """One model's place in a ranking.

    Attributes:
        model: its name.
        value: what ranked it: a figure, or its mean rank; None if it has none.
        places: column -> its rank there, 1 for the best; level models share their mean rank.
        set_back: why it stands behind the others, or None.
    """

    model: str
    value: float | None
    places: Mapping[str, float]
    set_back: str | None


@dataclass(frozen=True)
class Ranking:
    """Models from best to worst.

    Attributes:
        title: for people.
        metric: what ranked them, the name of a column or ``mean_rank``.
        reason: why that one.
        over: names of the columns behind it.
        rows: best first.
        columns, by, set_back: what :func:`rank` was given, so that it can be made again of other values.
    """

    title: str
    metric: str
    reason: str
    over: tuple[str, ...]
    rows: tuple[Row, ...]
    columns: tuple[Column, ...] = ()
    by: Column | None = None
    set_back: Mapping[str, str] = field(default_factory=dict)


def rank(
    title: str,
    reason: str,
    models: Sequence[str],
    columns: Sequence[Column],
    set_back: Mapping[str, str],
    by: Column | None = None,
) -> Ranking:
    """Rank ``models``.

    Args:
        title, reason: see :class:`Ranking`.
        models: those to rank.
        columns: what the mean rank is over, and whose places rows show.
        set_back: model -> why it stands behind the others.
        by: the column that ranks alone; the mean rank decides without one.
    """
    shown = [*columns, *([by] if by is not None and by not in columns else [])]
    places = {column.name: _places(models, [column.cost(m) for m in models], set_back) for column in shown}
    plain = {column.name: _places(models, [column.raw(m) for m in models], set_back) for column in shown}
    over = [by.name] if by is not None else [column.name for column in columns]

    def order(model: str) -> tuple[object, ...]:
        means = (_mean([table[name][model] for name in over]) for table in (places, plain))
        return (model in set_back, *means, model)

    def value(model: str) -> float | None:
        return by.values[model] if by is not None else _mean([places[name][model] for name in over])

    rows = [
        Row(
            model,
            value(model),
            {column.name: places[column.name][model] for column in shown},
            set_back.get(model),
        )
        for model in sorted(models, key=order)
    ]
    metric = by.name if by is not None else MEAN_RANK
    return Ranking(title, metric, reason, tuple(over), tuple(rows), tuple(columns), by, dict(set_back))


def _places(models: Sequence[str], costs: Sequence[float], set_back: Mapping[str, str]) -> dict[str, float]:
    """Ranks by cost, those set back behind all others; equal ones share their mean rank."""
    keys = {model: (model in set_back, cost) for model, cost in zip(models, costs, strict=True)}
    return {
        model: sum(other < key for other in keys.values())
        + (sum(other == key for other in keys.values()) + 1) / 2
        for model, key in keys.items()
    }


def _mean(ranks: Sequence[float]) -> float:
    return sum(ranks) / len(ranks) if ranks else 1.0
