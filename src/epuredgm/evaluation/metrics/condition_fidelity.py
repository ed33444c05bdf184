"""Condition fidelity: asked conditions against those that a network, trained on real pictures, reads.

The network is tested on real test pictures first: what it cannot read there, it cannot judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
from epuredgm.core.spec import Condition
from epuredgm.data.measure import signs_of
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.correlation import rank_correlations
from epuredgm.evaluation.extractors.conditions import NAME, read_conditions
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import (
    Interval,
    bootstrap_counts,
    percentile_interval,
    share_interval,
    weighted_means,
)
from epuredgm.evaluation.scalar import Figure, Json, number, scalar

REMOVED = 0.25  # share of the errors of always saying the commonest category that a reader must avoid
CORRELATED = 0.5  # rank correlation that a reader of numbers must surpass on real pictures
RESAMPLES = 300
FEWEST = 30  # real test pictures with a known value

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Readings:
    """One condition of one set: (N,) values told and read, categories by place; NaN where none was told.

    ``mean`` (N,): the expected place of a category, or the number read.
    """

    told: Floats
    read: Floats
    mean: Floats

    @property
    def known(self) -> Flags:
        """(N,) whether a value was told."""
        return np.isfinite(self.told)

    def right(self) -> Floats:
        """(N,) 1 where told and read agree, 0 where not, NaN where nothing was told."""
        return np.where(self.known, self.told == self.read, np.nan)

    def errors(self) -> Floats:
        """(N,) numbers read minus numbers told; NaN where none was told."""
        return self.read - self.told

    def order(self, weights: NDArray[np.float32] | Floats) -> Floats:
        """(B,) rank correlations of told and read under weights (B, N)."""
        return rank_correlations(self.told[self.known], self.mean[self.known], weights[:, self.known])


def compute(case: Case) -> Json:
    """For each condition that was asked for and that nothing measures on a picture, under its name.

    A category: share of generated pictures that are read as what was asked. A number: rank correlation of
    asked and read. ``<name>_order`` of ordered categories: rank correlation of the asked category with the
    expected place of the read one. ``real``: the same figures of real test pictures; ``majority``: share of
    their commonest category. ``numbers.<name>`` of a number: ``mae`` and ``bias`` (mean absolute and mean
    signed difference of what was read from what was asked), and what a bias ``below`` and ``above`` 0 is
    called. ``confusion``: counts of real and of generated pictures, a row for each told category, a column
    for each read one. What cannot be read on real pictures is null with the reason, its confusion too.
    Floors: real test pictures, drawn as for other floors.
    """
    chosen = [each for each in case.spec.conditions if _applies(case, each)]
    if not chosen:
        return {"reason": "no condition was asked for that has to be read by a network"}
    block: Json = {"real": {}, "majority": {}, "numbers": {}, "confusion": {}}
    for condition in chosen:
        name = condition.name
        real, fault = None, _not_shown(case, condition)
        if not fault:
            real = _readings(case, case.test, condition)
            block["real"][name], fault = _on_real(case, condition, real)
            if condition.values:
                block["majority"][name] = number(_majority(real))
        if real is None or fault:
            block["confusion"][name] = None
            keys = (name, f"{name}_order") if condition.ordered else (name,)
            block.update({key: scalar(None, reason=fault) for key in keys})
        else:
            block.update(_figures(case, condition, real))
            if not condition.values:
                block["numbers"][name] = _off(case, condition, real)
            block["confusion"][name] = _confusions(case, condition, real)
    return block


def _applies(case: Case, condition: Condition) -> bool:
    read = condition in read_conditions(case.spec) or condition.name == case.spec.side
    if not read or condition.name not in case.generated.condition_names:
        return False
    return bool(np.isfinite(case.generated.condition(condition.name)).any())


def _not_shown(case: Case, condition: Condition) -> str:
    """Why no network reads it; empty if one does."""
    if condition.name == case.spec.side:
        return "stored pictures all face one way; the side is declared, and exact by construction when shown"
    return "" if NAME in case.extractors else case.why_not(NAME)


def _readings(case: Case, population: Population, condition: Condition) -> Readings:
    chosen = read_conditions(case.spec)
    spans = [len(each.values) or 1 for each in chosen]
    start = sum(spans[: chosen.index(condition)])
    said = population.feature(NAME, case.extractors[NAME].describe).astype(np.float64)
    said = said[:, start : start + (len(condition.values) or 1)]
    told = population.condition(condition.name)
    if not condition.values:
        return Readings(told, said[:, 0], said[:, 0])
    return Readings(told, said.argmax(axis=1).astype(np.float64), said @ np.arange(said.shape[1]))


def _majority(real: Readings) -> float:
    known = real.told[real.known]
    return float(np.unique(known, return_counts=True)[1].max() / len(known)) if len(known) else 0.0


def _on_real(case: Case, condition: Condition, real: Readings) -> tuple[Figure, str]:
    """The reader's figure on real test pictures, and why it cannot judge; empty if it can.

    It can if the lower end of the figure's interval is above what says nothing: of categories, the share of
    the commonest one plus a quarter of the rest; of numbers, a rank correlation of 0.5.
    """
    count = int(real.known.sum())
    if count < FEWEST:
        reason = f"{count} real test pictures have a known {condition.name}; {FEWEST} are needed"
        return scalar(None, reason=reason), reason
    if condition.values:
        hits, most = int(np.nansum(real.right())), _majority(real)
        value, interval = hits / count, share_interval(hits, count, case.confidence)
        needed, beside = most + REMOVED * (1 - most), f"the commonest category is {most:.0%} of them"
    else:
        value, interval = _correlation(case, real)
        needed, beside = CORRELATED, "by rank correlation"
    if not np.isfinite(value):
        reason = f"{condition.name}, or what is read of it, does not vary among real test pictures"
        return scalar(None, reason=reason), reason
    figure = scalar(value, interval)
    if interval[0] > needed:
        return figure, ""
    return figure, (
        f"cannot be read from real pictures: {value:.2f} on the test split, at least {interval[0]:.2f}; more "
        f"than {needed:.2f} is needed ({beside})"
    )


def _correlation(case: Case, real: Readings) -> tuple[float, Interval]:
    """Told and read numbers of real pictures; the interval resamples the pictures."""
    count = len(real.told)
    draws = bootstrap_counts(np.random.default_rng(derive(0, "read numbers", count)), count, RESAMPLES)
    value = float(real.order(np.ones((1, count)))[0])
    return value, percentile_interval(real.order(draws), case.confidence) or (-1.0, 1.0)


def _figures(case: Case, condition: Condition, real: Readings) -> dict[str, Figure]:
    drawn = _readings(case, case.generated, condition)
    draws = case.draws.test
    figures: dict[str, Figure] = {}
    if condition.values:
        right = drawn.right()
        figures[condition.name] = case.share(right == 1, weighted_means(draws, real.right()), drawn.known)
    if condition.ordered or not condition.values:
        key = f"{condition.name}_order" if condition.values else condition.name
        figures[key] = _order(case, drawn, real.order(draws))
    return figures


def _off(case: Case, condition: Condition, real: Readings) -> Json:
    """How far read numbers are off, and to which side; floors: of real test pictures."""
    errors, on_real = _readings(case, case.generated, condition).errors(), real.errors()
    below, above = signs_of(condition)
    missing = "no number was asked for"
    return {
        "unit": condition.unit,
        "below": below,
        "above": above,
        "mae": case.mean(np.abs(errors), weighted_means(case.draws.test, np.abs(on_real)), missing),
        "bias": case.mean(errors, weighted_means(case.draws.test, on_real), missing),
    }


def _order(case: Case, drawn: Readings, floors: Floats) -> Figure:
    value = float(drawn.order(np.ones((1, len(drawn.told))))[0])
    if not np.isfinite(value):
        return scalar(None, floors=floors, reason="the asked or the read values do not vary")
    resampled = drawn.order(case.draws.generated)
    interval = percentile_interval(resampled, case.confidence)
    return scalar(value, interval, floors, replicates=lambda: resampled)


def _confusions(case: Case, condition: Condition, real: Readings) -> Json | None:
    if not condition.values:
        return None
    drawn = _readings(case, case.generated, condition)
    sides = {"real": real, "generated": drawn}
    tables = {name: _table(each, len(condition.values)) for name, each in sides.items()}
    return {"values": list(condition.values), **tables}


def _table(readings: Readings, categories: int) -> list[list[int]]:
    told, read = (side[readings.known].astype(np.int64) for side in (readings.told, readings.read))
    table = np.zeros((categories, categories), dtype=np.int64)
    np.add.at(table, (told, read), 1)
    return [[int(count) for count in row] for row in table]


METRIC = Metric(
    key="condition_fidelity",
    title="Condition fidelity",
    modes=(Mode.CONDITIONAL,),
    headlines=(
        Headline("read_*", "*", "higher", bounds=(-1, 1), title="Agreement with asked *"),
        Headline("read_error_*", "numbers.*.mae", title="Error in * as read"),
        Headline(
            "read_bias_*",
            "numbers.*.bias",
            better="neither",
            bounds=(-inf, inf),
            title="Bias in * as read",
            beside="read_error_*",
        ),
    ),
    compute=compute,
    values=("grey",),
    extractors=(NAME,),
)
