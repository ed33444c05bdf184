"""Latent code: how much of it a family with an encoder uses for a held-out picture."""

from __future__ import annotations

import numpy as np

from epuredgm.core.jobs import Mode
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json, scalar

ACTIVE = 0.01
"""Variance of a posterior mean over pictures above which a unit counts as active (Burda et al. 2016)."""


def compute(case: Case) -> Json:
    """``kl``: mean of the divergence of posterior from prior, in nats per picture.

    ``active_units``: units of the code whose posterior mean varies over pictures by more than
    ``least_variance``; of ``units``.
    """
    extras = case.extras
    missing = "this family tells no such thing"
    result: Json = {"kl": scalar(None, reason=missing), "active_units": scalar(None, reason=missing)}
    if "kl" in extras:
        result["kl"] = case.mean(np.asarray(extras["kl"], dtype=np.float64), missing="no finite divergence")
    if "codes" in extras and len(extras["codes"]) > 1:
        codes = np.asarray(extras["codes"], dtype=np.float64).reshape(len(extras["codes"]), -1)
        active = int((codes.var(axis=0, ddof=1) > ACTIVE).sum())
        result.update(active_units=scalar(active), units=codes.shape[1], least_variance=ACTIVE)
    return result


METRIC = Metric(
    key="latent",
    title="Use of the latent code",
    modes=(Mode.RECONSTRUCTION,),
    headlines=(
        Headline("kl", "kl", "neither", unit="nats", title="Divergence of posterior from prior"),
        Headline("active_units", "active_units", "neither", title="Active units of the code"),
    ),
    compute=compute,
    values=("grey",),
)
