"""Tissue: how large the bodies of grey pictures are, and how much of them is dense."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation import described
from epuredgm.evaluation.case import Case, Floats, PerDesign
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json, number

BINS = 20  # of the histograms


def compute(case: Case) -> Json:
    """``area`` (share of the picture that is body) and ``density`` (share of the body that is dense).

    Each has ``wd`` (W1 between its generated and its real distribution), ``mean``, and ``histogram`` with
    ``edges`` and the shares of ``generated`` and ``real`` pictures. Dense is what is brighter than ``level``,
    which parts the pixels of the train pictures best (Otsu). ``empty``: share of pictures without a body.
    """
    level = described.dense_level(case)
    return {
        "area": _of(case, lambda population: _mean(described.areas(population))),
        "density": _of(case, lambda population: _mean(described.densities(population, level))),
        "empty": case.share(_empty(case.generated), floor=_empty),
        "level": number(level),
    }


def _of(case: Case, values: Callable[[Population], Floats]) -> Json:
    per_design: PerDesign = values
    return {
        "wd": case.wasserstein(per_design).scalar(case.confidence),
        "mean": case.mean(values(case.generated), floor=per_design, missing="no picture has a body"),
        "histogram": _histogram(values(case.generated), values(case.real)),
    }


def _histogram(generated: Floats, real: Floats) -> Json:
    sides = {"generated": generated[np.isfinite(generated)], "real": real[np.isfinite(real)]}
    most = max((float(side.max()) for side in sides.values() if side.size), default=0.0)
    edges = np.linspace(0, max(most, 0.05), BINS + 1)
    shares = {
        name: [number(share) for share in np.histogram(side, edges)[0] / max(1, len(side))]
        for name, side in sides.items()
    }
    return {"edges": [number(edge) for edge in edges], **shares}


def _mean(values: Floats) -> Floats:
    """(N,) over components (N, C); NaN if one has none."""
    return np.asarray(values.mean(axis=1))


def _empty(population: Population) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray((described.areas(population) == 0).all(axis=1))


METRIC = Metric(
    key="tissue",
    title="Body and dense tissue",
    modes=TASKS,
    headlines=(
        Headline("body_area", "area.wd", ranked=True, title="Area of the body"),
        Headline("dense_tissue", "density.wd", ranked=True, title="Share of dense tissue"),
        Headline("empty_pictures", "empty", limit=0.5, bounds=(0, 1), title="Empty pictures"),
    ),
    compute=compute,
    values=("grey",),
)
