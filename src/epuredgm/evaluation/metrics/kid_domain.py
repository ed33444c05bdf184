"""Kernel distance between features that were learned from the data set itself: unbiased, for small counts."""

from __future__ import annotations

import math

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.feature_distances import kernel_figure
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json


def compute(case: Case) -> Json:
    """``distance``: the unbiased squared MMD; about 0 between equal laws, also below."""
    return {"distance": kernel_figure(case, "domain")}


METRIC = Metric(
    key="kid_domain",
    title="Kernel distance of learned features",
    modes=TASKS,
    headlines=(Headline("kid_domain", "distance", bounds=(-math.inf, math.inf)),),
    compute=compute,
    values=("grey",),
    extractors=("domain",),
)
