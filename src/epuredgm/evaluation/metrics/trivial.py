"""Trivial generators: how far ahead a model is of a mean picture, and of one with noise."""

from __future__ import annotations

from epuredgm.core.jobs import Mode
from epuredgm.evaluation.case import Case, Floats
from epuredgm.evaluation.feature_distances import frechet_figure
from epuredgm.evaluation.frechet import frechet_distance
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Figure, Json, scalar
from epuredgm.evaluation.trivial_generators import mean_pictures, mean_with_noise, stored
from epuredgm.evaluation.view import View

SEED = 0  # of the noise: the same for all runs


def compute(case: Case) -> Json:
    """``mean_picture.fd_domain`` and ``mean_with_noise.fd_domain``: domain distance of each to real pictures.

    All are in the features of the first network. Both get the conditions of the real pictures, as many as
    there are generated ones. ``ratio``: generated over the smaller of the two; 1 is no better than they are.
    """
    view = case.through("domain")
    reason = case.why_not("domain") if view is None else case.no_figure(view)
    if view is None or reason:
        nothing = {"fd_domain": scalar(None, reason=reason)}
        return {"mean_picture": nothing, "mean_with_noise": nothing, "ratio": scalar(None, reason=reason)}
    pictures = {
        "mean_picture": mean_pictures(case.train, case.real, case.spec),
        "mean_with_noise": mean_with_noise(case.train, case.real, case.spec, SEED),
    }
    found = {name: _distance(case, drawn, view.real) for name, drawn in pictures.items()}
    block: Json = {name: {"fd_domain": scalar(distance)} for name, distance in found.items()}
    return {**block, "ratio": _ratio(case, view, min(found.values()))}


def _ratio(case: Case, view: View, smaller: float) -> Figure:
    if not smaller:
        return scalar(None, reason="a trivial generator repeats the real pictures: nothing is left to learn")
    generated = frechet_figure(case, "domain", biased=True)
    floors = case.floors(view, frechet_distance, "frechet/domain") / smaller
    low, high = generated["interval"]
    own = generated.replicates
    return scalar(
        generated["value"] / smaller,
        (low / smaller, high / smaller),
        floors,
        replicates=None if own is None else lambda: own() / smaller,
    )


def _distance(case: Case, pictures: Floats, real: Floats) -> float:
    described = case.extractors["domain"].describe(stored(pictures, case.spec))
    return frechet_distance(described.astype(float), real)


METRIC = Metric(
    key="trivial",
    title="Trivial generators",
    modes=(Mode.UNCONDITIONAL, Mode.CONDITIONAL),
    headlines=(Headline("over_trivial", "ratio", title="Domain distance over the better trivial one"),),
    compute=compute,
    values=("grey",),
    extractors=("domain",),
)
