"""Fidelity: whether a component that was given came back as it was."""

from __future__ import annotations

import numpy as np

from epuredgm.core.jobs import Mode
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json, scalar


def compute(case: Case) -> Json:
    """Given components against the real design of the same row.

    ``exact``: share of designs whose given components are all identical. ``iou``: their mean IoU (two empty
    components agree: 1). Neither has a floor: perfection is asked for.
    """
    if not case.paired or not case.given.any():
        reason = "no component was given"
        return {"exact": scalar(None, reason=reason), "iou": scalar(None, reason=reason)}
    generated, real = case.generated.images, case.real.images
    same = (generated == real).all(axis=(2, 3))
    here, there = case.generated.lit(generated), case.real.lit(real)
    both = (here & there).sum(axis=(2, 3), dtype=np.float64)
    either = (here | there).sum(axis=(2, 3), dtype=np.float64)
    iou = np.divide(both, either, out=np.ones_like(both), where=either > 0)
    count = case.given.sum(axis=1)
    mean_iou = (iou * case.given).sum(axis=1) / np.where(count > 0, count, np.nan)
    return {
        "exact": case.share((same | ~case.given).all(axis=1), among=count > 0),
        "iou": case.mean(mean_iou),
    }


METRIC = Metric(
    key="fidelity",
    title="Fidelity to the given component",
    modes=(Mode.INPAINTING,),
    headlines=(
        Headline(
            "given_exact", "exact", better="higher", bounds=(0, 1), title="Given component kept exactly"
        ),
        Headline("given_iou", "iou", better="higher", bounds=(0, 1), title="Given component kept, IoU"),
    ),
    compute=compute,
    values=("binary",),
)
