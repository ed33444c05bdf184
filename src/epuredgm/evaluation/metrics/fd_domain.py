"""The domain distance: a Frechet distance between features that were learned from the data set itself."""

from __future__ import annotations

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.feature_distances import frechet_figure
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json


def compute(case: Case) -> Json:
    """``distance``: the Frechet distance, squared; features have variance 1 over train designs."""
    return {"distance": frechet_figure(case, "domain", biased=True)}


METRIC = Metric(
    key="fd_domain",
    title="Domain distance",
    modes=TASKS,
    headlines=(Headline("fd_domain", "distance", ranked=True, decides=2),),
    compute=compute,
    extractors=("domain",),
)
