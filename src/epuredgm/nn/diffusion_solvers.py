"""From noise to data along a diffusion's path, with a predictor of the data.

A solver makes one evaluation per interval between its *knots*, which start at noise only: alpha = 0 there, so
that the first step is x = alpha data + sigma noise whatever the solver.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from epuredgm.nn.diffusion import Path
from epuredgm.nn.guidance import Denoiser, at


class Knot(NamedTuple):
    """A time of the grid with its level, as plain numbers: a solver never waits for the device."""

    t: float
    alpha: float
    sigma: float

    @property
    def angle(self) -> float:
        """Between data and noise: 0 for noise only, pi / 2 for data only."""
        return math.atan2(self.alpha, self.sigma)


Solver = Callable[[Denoiser, Tensor, list[Knot], torch.Generator], Tensor]
"""Denoiser, noise at the first knot, knots, random stream -> x at the last knot."""


def knots(path: Path, steps: int, last: float) -> list[Knot]:
    """``steps + 1`` knots at evenly spaced times from 1 (noise only) down to ``last`` > 0."""
    times = torch.linspace(1, last, steps + 1, dtype=torch.float64)
    level = path(times)
    rows = torch.stack([times, level.alpha.flatten(), level.sigma.flatten()], dim=1)
    return [Knot(*row) for row in rows.tolist()]


def solve(
    denoise: Denoiser, noise: Tensor, knots: list[Knot], rng: torch.Generator, *, order: int, eta: float
) -> Tensor:
    """The data are taken as constant over an interval, or as what they will be in its middle.

    Args:
        denoise, noise, knots, rng: as for every solver.
        order: 1 keeps the last evaluation (Song et al. 2021, equation 12). 2 extrapolates the last two to the
            middle of the interval, DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2), but linearly in the angle
            instead of log(alpha / sigma). That is -inf at the first knot, and the intervals after it never
            become short in it, which costs the second order; the angle is finite.
        eta: share of the ancestral sampler's noise: 0 is deterministic; 1, with order 1, draws from the
            posterior q(x_then | x_now, data): the ancestral sampler of Ho et al. 2020 on the given knots.
    """
    x, before, width_before = noise, noise, math.inf
    for now, then in pairwise(knots):
        data, width = denoise(x, at(now.t, x)), then.angle - now.angle
        share = width / (2 * width_before) if order == 2 else 0.0  # 0 also on the first interval
        ahead = (1 + share) * data - share * before
        fresh = eta * math.sqrt(posterior_variance(now, then))
        kept = math.sqrt(max(0.0, then.sigma**2 - fresh**2))
        x = then.alpha * ahead + kept * (x - now.alpha * ahead) / now.sigma
        if eta:
            x = x + fresh * torch.randn(x.shape, generator=rng, device=x.device, dtype=x.dtype)
        before, width_before = data, width
    return x


def posterior_variance(now: Knot, then: Knot) -> float:
    """Variance of x_then given x_now and the data, ``then`` being less noisy (Ho et al. 2020, equation 7)."""
    kept = now.alpha / then.alpha
    return (now.sigma**2 - kept**2 * then.sigma**2) * then.sigma**2 / now.sigma**2


SOLVERS: dict[str, Solver] = {
    "dpm_solver_2m": partial(solve, order=2, eta=0.0),
    "dpm_solver_2m_sde": partial(solve, order=2, eta=1.0),
    "ddim": partial(solve, order=1, eta=0.0),
    "ancestral": partial(solve, order=1, eta=1.0),
}
