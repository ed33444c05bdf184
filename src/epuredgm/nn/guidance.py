"""Wrappers of a denoiser: conditions, known components and guidance are bound around it, not flags inside it.

A *predictor* takes a noisy batch, its times and further tensors of B rows (context, known components); a
*denoiser* is a predictor with these bound.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(B, C, H, W) noisy designs and (B,) times -> a prediction of the clean designs."""

Predictor = Callable[..., Tensor]
"""As a denoiser, with further tensors of B rows."""


def guided(
    predict: Predictor, with_condition: tuple[Tensor, ...], without: tuple[Tensor, ...], scale: float
) -> Denoiser:
    """Classifier-free guidance: ``u + scale * (c - u)`` (Ho & Salimans 2022, equation 6, scale = 1 + w).

    Args:
        predict: called once per evaluation on the two branches as one batch.
        with_condition: its further tensors for the conditional branch, c.
        without: the same for the null branch, u.
        scale: 1 is plain conditional prediction and 0 plain unconditional; either evaluates one branch only.
    """
    if scale in (0.0, 1.0):
        bound = with_condition if scale == 1.0 else without
        return lambda x_t, t: predict(x_t, t, *bound)
    both = tuple(torch.cat(pair) for pair in zip(with_condition, without, strict=True))

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        conditional, null = predict(torch.cat([x_t, x_t]), torch.cat([t, t]), *both).chunk(2)
        return null + scale * (conditional - null)

    return denoise
