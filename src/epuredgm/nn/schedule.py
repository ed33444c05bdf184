"""Noise schedules: how much of the signal is left at each time of a Gaussian or categorical diffusion.

Time runs from 0 (the design) to 1 (noise only). ``alpha_bar`` is the signal's power: a Gaussian x_t has mean
sqrt(alpha_bar) x_0 and variance 1 - alpha_bar; a categorical x_t keeps its class with probability alpha_bar.
Every schedule goes from 1 to exactly 0 (zero terminal signal-to-noise ratio, Lin et al. 2024): what sampling
starts from is what training has seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Schedule = Callable[[Tensor], Tensor]
"""Times in [0, 1] of any shape -> alpha_bar in [0, 1], falling."""

SIGMOID_REACH = 3.0  # logits from -3 to 3 (Jabri et al. 2023, with temperature 1)


def cosine(t: Tensor) -> Tensor:
    """cos(pi t / 2) squared (Nichol & Dhariwal 2021 without their offset)."""
    return (t * (math.pi / 2)).cos().square() * (t < 1)


def sigmoid(t: Tensor) -> Tensor:
    """A sigmoid from -3 to 3, rescaled to end at 1 and 0 (Jabri et al. 2023, appendix B)."""
    ends = torch.sigmoid(torch.tensor([-SIGMOID_REACH, SIGMOID_REACH], device=t.device, dtype=t.dtype))
    falling = ends[1] - torch.sigmoid(SIGMOID_REACH * (2 * t - 1))
    return (falling / (ends[1] - ends[0])).clamp(0, 1)


def linear(t: Tensor) -> Tensor:
    """1 - t."""
    return 1 - t


def shifted(schedule: Schedule, shift: float) -> Schedule:
    """The schedule with log(alpha / sigma) less by ``shift`` at every time (Hoogeboom et al. 2023).

    Positive is towards noise: more of the times are at levels where only the coarse shape can be told.
    """
    odds = math.exp(-2 * shift)

    def alpha_bar(t: Tensor) -> Tensor:
        kept = schedule(t)
        return odds * kept / (odds * kept + (1 - kept))  # so bracketed, rounding cannot pass 1

    return alpha_bar


SCHEDULES: dict[str, Schedule] = {"cosine": cosine, "sigmoid": sigmoid, "linear": linear}


def strides(steps: int, mean: float, spread: float) -> list[float]:
    """``steps + 1`` times from 1 to 0, as dense as times are likely whose logit is N(mean, spread^2)."""
    quantiles = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    return torch.sigmoid(mean + spread * torch.special.ndtri(quantiles)).tolist()
