"""Kernel inception distance of designs with coloured components."""

from __future__ import annotations

import math

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.feature_distances import kernel_figure
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json


def compute(case: Case) -> Json:
    """One figure; null, with its reason, where there are no weights."""
    return kernel_figure(case, "inception_components")


METRIC = Metric(
    key="kid_components",
    title="KID of coloured components",
    modes=TASKS,
    headlines=(Headline("kid_components", "", bounds=(-math.inf, math.inf)),),
    compute=compute,
    bare=True,
    extractors=("inception_components",),
)
