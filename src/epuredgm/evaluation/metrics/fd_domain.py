"""The domain distance: a Frechet distance between features that were learned from the data set itself."""

from __future__ import annotations

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.extractors.domain import NAME
from epuredgm.evaluation.feature_distances import mean_frechet_figures
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json


def compute(case: Case) -> Json:
    """``distance``: the Frechet distance, squared; features have variance 1 over train designs.

    It is the mean over several feature networks, since one alone would rank families by chance of its seed.
    ``networks.<k>``: that of each, the first being the one of other figures in these features. How far they
    lie apart is an error of ``distance`` that is not in its interval.
    """
    names = [name for name in case.extractors if name == NAME or name.startswith(f"{NAME}_")] or [NAME]
    distance, each = mean_frechet_figures(case, names)
    return {"distance": distance, "networks": {str(k): figure for k, figure in enumerate(each, 1)}}


METRIC = Metric(
    key="fd_domain",
    title="Domain distance",
    modes=TASKS,
    headlines=(Headline("fd_domain", "distance", ranked=True, decides=2, title="Domain distance"),),
    compute=compute,
    extractors=(NAME,),
)
