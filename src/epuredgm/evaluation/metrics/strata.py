"""Strata: the domain distance of each category's pictures, and of each bin of a number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.frechet import frechet_distance, frechet_left_out
from epuredgm.evaluation.metric import Metric
from epuredgm.evaluation.scalar import Figure, Json, scalar
from epuredgm.evaluation.strata import Stratum, strata
from epuredgm.evaluation.view import View, jackknife_groups

Rows = NDArray[np.int64]

LEAST = 25
"""Pictures on either side, at least; fewer give no covariance of the features."""


def compute(case: Case) -> Json:
    """``<condition>.<value>``: ``fd_domain``, and ``n`` pictures on either side.

    Generated pictures are in the stratum that they were asked for, real ones in their own. ``minimum``: below
    so many on a side the figure is null. Distances of few pictures are large by themselves: read the ratio.
    """
    result: Json = {"minimum": LEAST}
    for stratum in strata(case.spec, case.train):
        result.setdefault(stratum.condition, {})[stratum.name] = _of(case, stratum)
    return result


def _of(case: Case, stratum: Stratum) -> Json:
    generated, real = (np.flatnonzero(stratum.of(side)) for side in (case.generated, case.real))
    count = min(len(generated), len(real))
    return {"n": count, "fd_domain": _figure(case, stratum, generated, real, count)}


def _figure(case: Case, stratum: Stratum, generated: Rows, real: Rows, count: int) -> Figure:
    if "domain" not in case.extractors:
        return scalar(None, reason=case.why_not("domain"))
    if count < LEAST:
        return scalar(None, reason=f"{count} pictures on either side, fewer than {LEAST}")
    describe = case.extractors["domain"].describe
    train, test = (side.feature("domain", describe).astype(np.float64) for side in (case.train, case.test))
    known = np.asarray(np.isfinite(train).all(axis=1))
    matches = case.matches(known) if case.paired else None
    rng = np.random.default_rng(derive(0, "stratum", count))
    chosen = np.sort(rng.permutation(generated)[:count])
    own = case.generated.rows(chosen).feature("domain", describe)
    others = case.real.rows(np.sort(rng.permutation(real)[:count])).feature("domain", describe)
    view = View(
        generated=own.astype(np.float64),
        real=others.astype(np.float64),
        train=train[known],
        test=test[np.isfinite(test).all(axis=1)],
        groups=jackknife_groups(rng, count, case.jackknife_groups),
        repeats=len(case.draws.train),
        matches=None if matches is None else matches.of(chosen),
    )
    name = f"stratum {stratum.condition} {stratum.name}"
    return case.of_sets(view, frechet_distance, frechet_left_out(view), name=name, biased=True)


METRIC = Metric(
    key="strata",
    title="Domain distance by stratum",
    modes=(Mode.CONDITIONAL,),  # others ask for no stratum
    headlines=(),
    compute=compute,
    values=("grey",),
    extractors=("domain",),
)
