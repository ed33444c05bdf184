"""Distances of whole sets through an extractor, as figures: what the metric files of FID and KID share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

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


def mean_frechet_figures(case: Case, extractors: Sequence[str]) -> tuple[Figure, list[Figure]]:
    """The mean of the Frechet distances through several extractors, and each of them.

    The extractors look at the same designs, so that intervals and floors of the mean come from means of what
    each makes of the same draws. They hold nothing of what other extractors would make of them.
    """
    views = [_view(case, name) for name in extractors]
    if missing := next((view for view in views if isinstance(view, Figure)), None):
        return missing, []
    figures, left_out, floors = [], [], []
    for name, view in zip(extractors, views, strict=True):
        assert isinstance(view, View)
        left_out.append(frechet_left_out(view))
        floors.append(case.floors(view, frechet_distance, f"frechet/{name}"))
        value = frechet_distance(view.generated, view.real)
        figures.append(case.jackknifed(value, left_out[-1], floors[-1], biased=True))
    whole = float(np.mean([figure["value"] for figure in figures]))
    spread = np.asarray(np.mean(left_out, axis=0))
    return case.jackknifed(whole, spread, np.asarray(np.mean(floors, axis=0)), biased=True), figures


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
    reason = case.no_figure(view)
    return scalar(None, reason=reason) if reason else view
