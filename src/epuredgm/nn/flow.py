"""The straight path from noise to data, and the solvers that follow it with a predictor of the data.

Orientation, used everywhere: t = 0 is noise and t = 1 is data, x_t = (1 - t) noise + t data, so the velocity
is data - noise = (data - x_t) / (1 - t) and one integrates upwards (Lipman et al. 2023 with sigma_min = 0).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from epuredgm.nn.diffusion import Level, Prediction
from epuredgm.nn.guidance import Denoiser, at


def straight(t: Tensor) -> Level:
    """The shares of data and noise at (B,) times."""
    t = t[:, None, None, None]
    return Level(t, 1 - t)


VELOCITY = Prediction(
    target=lambda data, noise, level: data - noise,
    data=lambda said, x_t, level: x_t + level.sigma * said,
    weight=lambda level: torch.ones_like(level.alpha),
)
"""What flow matching regresses, all times alike (Lipman et al. 2023, equation 23)."""


def logit_normal_times(count: int, mean: float, spread: float, rng: torch.Generator) -> Tensor:
    """(count,) times in (0, 1) whose logit is normal (Esser et al. 2024, equation 19)."""
    return torch.sigmoid(mean + spread * torch.randn(count, generator=rng, device=rng.device))


def velocity(x_t: Tensor, data: Tensor, t: Tensor) -> Tensor:
    """The velocity at (B,) times that a prediction of the data means."""
    return (data - x_t) / (1 - t[:, None, None, None])


def time_grid(steps: int, last: float) -> list[float]:
    """``steps + 1`` times from 0 to ``last`` < 1, evenly spaced."""
    return [last * step / steps for step in range(steps + 1)]


def euler(denoise: Denoiser, noise: Tensor, times: list[float]) -> Tensor:
    """First order, one evaluation per interval; returns x at the last time."""
    x = noise
    for now, then in pairwise(times):
        t = at(now, x)
        x = x + (then - now) * velocity(x, denoise(x, t), t)
    return x


def midpoint(denoise: Denoiser, noise: Tensor, times: list[float]) -> Tensor:
    """Second order, two evaluations per interval; returns x at the last time."""
    x = noise
    for now, then in pairwise(times):
        t, between = at(now, x), at((now + then) / 2, x)
        half = x + (then - now) / 2 * velocity(x, denoise(x, t), t)
        x = x + (then - now) * velocity(half, denoise(half, between), between)
    return x


SOLVERS: dict[str, Callable[[Denoiser, Tensor, list[float]], Tensor]] = {"euler": euler, "midpoint": midpoint}
