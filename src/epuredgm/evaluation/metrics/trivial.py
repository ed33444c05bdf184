"""Trivial generators: how far ahead a model is of a mean picture, and of one with noise."""

from __future__ import annotations

from epuredgm.core.jobs import Mode
from epuredgm.evaluation.case import Case, Floats
from epuredgm.evaluation.feature_distances import frechet_figure
from epuredgm.evaluation.frechet import frechet_distance
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json, scalar
from epuredgm.evaluation.trivial_generators import mean_pictures, mean_with_noise, stored

SEED = 0  # of the noise: the same for all runs


def compute(case: Case) -> Json:
    """``mean_picture.fd_domain`` and ``mean_with_noise.fd_domain``: domain distance of each to real pictures.

    Both get the conditions of the real pictures, as many as there are generated ones. ``ratio``: generated
    over the smaller of the two; 1 is no better than they are.
    """
    view = case.through("domain")
    reason = case.why_not("domain") if view is None else case.too_few(view)
    if view is None or reason:
        nothing = {"fd_domain": scalar(None, reason=reason)}
        return {"mean_picture": nothing, "mean_with_noise": nothing, "ratio": scalar(None, reason=reason)}
    pictures = {
        "mean_picture": mean_pictures(case.train, case.real, case.spec),
        "mean_with_noise": mean_with_noise(case.train, case.real, case.spec, SEED),
    }
    found = {name: _distance(case, drawn, view.real) for name, drawn in pictures.items()}
    smaller = min(found.values())
    generated = frechet_figure(case, "domain", biased=True)
    floors = case.floors(view, frechet_distance, "frechet/domain") / smaller
    low, high = generated["interval"]
    ratio = scalar(
        generated["value"] / smaller,
        (low / smaller, high / smaller),
        floors,
        replicates=(lambda: own() / smaller) if (own := generated.replicates) else None,
    )
    return {**{name: {"fd_domain": scalar(distance)} for name, distance in found.items()}, "ratio": ratio}


def _distance(case: Case, pictures: Floats, real: Floats) -> float:
    described = case.extractors["domain"].describe(stored(pictures, case.spec))
    return max(frechet_distance(described.astype(float), real), 1e-9)


METRIC = Metric(
    key="trivial",
    title="Trivial generators",
    modes=(Mode.UNCONDITIONAL, Mode.CONDITIONAL),
    headlines=(Headline("over_trivial", "ratio", title="Domain distance over the better trivial one"),),
    compute=compute,
    values=("grey",),
    extractors=("domain",),
)
