"""Distances of whole sets through an extractor, as figures: what the metric files of FID and KID share."""

from __future__ import annotations

import math

from epuredgm.evaluation.case import Case
from epuredgm.evaluation.frechet import frechet_distance, frechet_left_out
from epuredgm.evaluation.kernel_distance import kernel_distance, kernel_left_out
from epuredgm.evaluation.scalar import Figure, scalar
from epuredgm.evaluation.view import View

FEWEST = 3
"""Designs a side: two must be left when one is left out."""


def frechet_figure(case: Case, extractor: str) -> Figure:
    """The Frechet distance between the features of generated and real designs."""
    view = _view(case, extractor)
    if isinstance(view, Figure):
        return view
    return case.of_sets(view, frechet_distance, frechet_left_out(view))


def kernel_figure(case: Case, extractor: str) -> Figure:
    """The kernel distance between them; without a ratio, for its floor is noise around 0."""
    view = _view(case, extractor)
    if isinstance(view, Figure):
        return view
    figure = case.of_sets(view, kernel_distance, kernel_left_out(view), lowest=-math.inf)
    return Figure({**figure, "ratio": None}, figure.replicates)


def _view(case: Case, extractor: str) -> View | Figure:
    """The case through the extractor, or the figure that says why there is none."""
    view = case.through(extractor)
    if view is None:
        return scalar(None, reason=case.why_not(extractor))
    if len(view) < FEWEST:
        return scalar(None, reason=f"{len(view)} designs a side are too few: {FEWEST} are needed")
    return view
