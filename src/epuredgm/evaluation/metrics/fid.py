"""Frechet inception distance (FID) of silhouettes, the published one (Heusel et al. 2017).

It cannot see which component is where, so it ranks nobody: ``fid_components`` does.
"""

from __future__ import annotations

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.feature_distances import frechet_figure
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json


def compute(case: Case) -> Json:
    """One figure; null, with its reason, where there are no weights."""
    return frechet_figure(case, "inception")


METRIC = Metric(
    key="fid",
    title="Frechet inception distance",
    modes=TASKS,
    headlines=(Headline("fid", ""),),
    compute=compute,
    bare=True,
    extractors=("inception",),
)
