"""Distances of whole sets through an extractor, as figures: what the metric files of FID and KID share."""

from __future__ import annotations

import math

from epuredgm.evaluation.case import Case
from epuredgm.evaluation.frechet import frechet_distance, frechet_left_out
from epuredgm.evaluation.kernel_distance import kernel_distance, kernel_left_out
from epuredgm.evaluation.scalar import Figure, scalar
from epuredgm.evaluation.view import View


def frechet_figure(case: Case, extractor: str, *, biased: bool = False) -> Figure:
    """The Frechet distance between the features of both sides; ``biased`` as in :meth:`Case.of_sets`."""
    view = _view(case, extractor)
    if isinstance(view, Figure):
        return view
    left_out = frechet_left_out(view)
    return case.of_sets(view, frechet_distance, left_out, name=f"frechet/{extractor}", biased=biased)


def kernel_figure(case: Case, extractor: str) -> Figure:
    """The kernel distance between them; without a ratio, for its floor is noise around 0."""
    view = _view(case, extractor)
    if isinstance(view, Figure):
        return view
    left_out, name = kernel_left_out(view), f"kernel/{extractor}"
    figure = case.of_sets(view, kernel_distance, left_out, lowest=-math.inf, name=name)
    return Figure({**figure, "ratio": None}, figure.replicates)


def _view(case: Case, extractor: str) -> View | Figure:
    """The case through the extractor, or the figure that says why there is none."""
    view = case.through(extractor)
    if view is None:
        return scalar(None, reason=case.why_not(extractor))
    reason = case.too_few(view)
    return scalar(None, reason=reason) if reason else view
