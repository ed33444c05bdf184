"""Frechet inception distance: declared, not yet computed, so that results and rankings have its place."""

from __future__ import annotations

from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import ALL_MODES, Headline, Metric
from epuredgm.evaluation.scalar import Json, scalar

REASON = "FID comes with a later version: it needs the Inception network's weights"


def compute(case: Case) -> Json:
    """Null, with its reason."""
    return scalar(None, reason=REASON)


METRIC = Metric(
    key="fid",
    title="Frechet inception distance",
    modes=ALL_MODES,
    headlines=(Headline("fid", "", decides=True),),
    compute=compute,
    bare=True,
)
