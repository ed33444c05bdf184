"""Frechet inception distance of designs with coloured components, which silhouettes cannot tell apart."""

from __future__ import annotations

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.feature_distances import frechet_figure
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json


def compute(case: Case) -> Json:
    """One figure; null, with its reason, where there are no weights."""
    return frechet_figure(case, "inception_components")


METRIC = Metric(
    key="fid_components",
    title="FID of coloured components",
    modes=TASKS,
    headlines=(Headline("fid_components", "", decides=1),),
    compute=compute,
    bare=True,
    extractors=("inception_components",),
)
