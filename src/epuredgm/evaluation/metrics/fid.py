"""Frechet inception distance: declared, not yet computed, so that results and rankings have its place."""

from __future__ import annotations

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json, scalar


def compute(case: Case) -> Json:
    """Null, with its reason."""
    return scalar(None, reason=case.why_not("inception"))


METRIC = Metric(
    key="fid",
    title="Frechet inception distance",
    modes=TASKS,
    headlines=(Headline("fid", "", decides=1),),
    compute=compute,
    bare=True,
    extractors=("inception",),
)
