"""The domain distance: a Frechet distance between features that were learned from the data set itself."""

from __future__ import annotations

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.frechet import frechet_distance
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json, scalar


def compute(case: Case) -> Json:
    """``distance``: the Frechet distance, squared; features have variance 1 over train designs."""
    view = case.through("domain")
    if view is None:
        return {"distance": scalar(None, reason=case.why_not("domain"))}
    return {"distance": case.of_sets(view, frechet_distance)}


METRIC = Metric(
    key="fd_domain",
    title="Domain distance",
    modes=TASKS,
    headlines=(Headline("fd_domain", "distance", ranked=True, decides=True),),
    compute=compute,
)
