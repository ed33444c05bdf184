"""The learning rate as a pure function of the step: a linear warm-up, then half a cosine."""

from __future__ import annotations

import math

from epuredgm.core.settings import OptimizerSettings


def learning_rate(step: int, steps: int, settings: OptimizerSettings) -> float:
    """The rate of optimizer step ``step`` (from 0) of ``steps``.

    The first ``warmup * steps`` steps rise linearly to ``lr``, which the last of them has; from there half a
    cosine falls to ``final_lr * lr`` at the last step (Loshchilov and Hutter, SGDR, 2017, eq. 5, one period).
    """
    warm = round(settings.warmup * steps)
    if step < warm:
        return settings.lr * (step + 1) / warm
    share = min(1.0, (step - warm) / max(1, steps - 1 - warm))
    return settings.lr * (settings.final_lr + (1 - settings.final_lr) * 0.5 * (1 + math.cos(math.pi * share)))
