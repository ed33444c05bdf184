"""A network that predicts becomes a denoiser: conditions, known components and guidance are bound around it.

They are no flags inside a network or a solver. A *predictor* takes a noisy batch, its times, an embedded
condition and the evidence; a *denoiser* is a predictor with the last two bound.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from epuredgm.interface import SampleRequest
from epuredgm.nn.embedding import ConditionEmbedding
from epuredgm.nn.evidence import Evidence

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(B, C, H, W) noisy designs and (B,) times -> a prediction of the clean designs."""

Predictor = Callable[[Tensor, Tensor, Tensor, Evidence], Tensor]
"""As a denoiser, with (B, context) embedded conditions and the evidence of B designs."""


def at(time: float, x: Tensor) -> Tensor:
    """(B,): one time for the whole batch x."""
    return torch.full((len(x),), time, device=x.device, dtype=x.dtype)


def guided(
    predict: Predictor, condition: ConditionEmbedding, request: SampleRequest, evidence: Evidence
) -> Denoiser:
    """Classifier-free guidance: ``u + scale * (c - u)`` (Ho & Salimans 2022, equation 6, scale = 1 + w).

    A scale of 1 is plain conditional prediction, c; of 0, or with no conditions asked for, plain
    unconditional prediction, u: either evaluates one branch only. Otherwise both are one batch.

    Args:
        predict: called once per evaluation.
        condition: embeds the conditions.
        request: whose conditions and guidance are bound.
        evidence: the known components.
    """
    null = condition.null(request.count)
    scale = 0.0 if request.conditions is None else request.guidance
    if request.conditions is None or scale == 0.0:
        return lambda x_t, t: predict(x_t, t, null, evidence)
    wanted = condition(request.conditions)
    if scale == 1.0:
        return lambda x_t, t: predict(x_t, t, wanted, evidence)
    contexts, twice = torch.cat([wanted, null]), Evidence(*(torch.cat([part, part]) for part in evidence))

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        conditional, unconditional = predict(torch.cat([x_t, x_t]), torch.cat([t, t]), contexts, twice).chunk(
            2
        )
        return unconditional + scale * (conditional - unconditional)

    return denoise
