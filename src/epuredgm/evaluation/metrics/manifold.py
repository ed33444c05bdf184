"""Precision, recall, density and coverage: whether designs look real, and whether all kinds are there."""

from __future__ import annotations

import numpy as np

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation import jackknife
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.manifold import FIGURES, Floats, manifold_figures
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.resampling import share_interval
from epuredgm.evaluation.scalar import Figure, Json, scalar
from epuredgm.evaluation.view import View

NEIGHBOURS = 5  # k, as Naeem et al. 2020 recommend
SHARES = ("precision", "recall", "coverage")


def compute(case: Case) -> Json:
    """The four figures in ``domain`` features, and ``neighbours``, the k that they were made with."""
    view = case.through("domain")
    reason = case.why_not("domain") if view is None else case.no_figure(view)
    if view is None or reason:
        return {name: scalar(None, reason=reason) for name in FIGURES}
    kept = view.kept()
    k = min(NEIGHBOURS, int(kept.sum(axis=1).min()) - 1)
    ways = np.concatenate([np.ones_like(kept[:1]), kept])
    whole, *left_out = manifold_figures(view.real, view.generated, ways, k)
    floors = case.floors(view, lambda train, test: _plain(test, train, k), name=f"manifold of {k} neighbours")
    floors = floors.reshape(-1, len(FIGURES))
    block: Json = {
        name: _figure(case, view, name, float(whole[i]), np.array(left_out)[:, i], floors[:, i])
        for i, name in enumerate(FIGURES)
    }
    return {**block, "neighbours": k}


def _plain(real: Floats, generated: Floats, k: int) -> Floats:
    """(4,) the figures of whole sets."""
    everything = np.ones((1, len(real)), dtype=bool)
    return np.asarray(manifold_figures(real, generated, everything, min(k, len(real) - 1))[0])


def _figure(case: Case, view: View, name: str, value: float, left_out: Floats, floors: Floats) -> Figure:
    """One figure with its jackknife interval; that of a share is at least as wide as a counted share's.

    The balls depend on both samples, so that counting designs alone (Wilson) understates the error; at 0 and
    at 1, where nothing changes when a group is left out, the jackknife does.
    """
    low, high = jackknife.interval(value, left_out, case.confidence)
    if name in SHARES:
        counted = share_interval(round(value * len(view)), len(view), case.confidence)
        low, high = min(low, counted[0]), min(1.0, max(high, counted[1]))
    return scalar(value, (low, high), floors, replicates=lambda: jackknife.replicates(value, left_out))


METRIC = Metric(
    key="manifold",
    title="Precision, recall, density, coverage",
    modes=TASKS,
    headlines=(
        Headline("coverage", "coverage", "higher", ranked=True, bounds=(0, 1), title="Coverage"),
        Headline("precision", "precision", "higher", bounds=(0, 1), title="Precision"),
        Headline("recall", "recall", "higher", bounds=(0, 1), title="Recall"),
        Headline("density", "density", "neither", title="Density"),
    ),
    compute=compute,
    extractors=("domain",),
)
