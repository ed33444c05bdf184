"""Sampling importance resampling: of several candidates one is taken, by its weight (Rubin 1988)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def resampled(candidates: Sequence[Tensor], log_weights: Sequence[Tensor], rng: torch.Generator) -> Tensor:
    """One candidate for each row, with a probability in proportion to its weight.

    Args:
        candidates: K tensors (B, ...).
        log_weights: of each, (B,), up to a constant per row.
        rng: on their device.

    Returns:
        (B, ...)
    """
    shares = torch.stack(list(log_weights), dim=1).softmax(1)
    chosen = torch.multinomial(shares, 1, generator=rng)[:, 0]
    return torch.stack(list(candidates), dim=1)[torch.arange(len(chosen), device=chosen.device), chosen]
