"""Gaussian noising of designs, and what a network may say about a noisy one: three words for the same thing.

A noisy design is x_t = alpha_t data + sigma_t noise, the data coded in [-1, 1]. A *path* says how the two
numbers go with time. Data, noise and v are linear in each other given x_t, so that a network may predict any
of them; only the weight of its errors differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from epuredgm.nn.schedule import Schedule

MIN_SNR_GAMMA = 5.0  # Hang et al. 2023, section 3.4
LEAST_ALPHA = 0.02  # about that of the last of the 1000 published steps; below, the noise tells no data


class Level(NamedTuple):
    """The shares of data and noise in a batch of noisy designs, both (B, 1, 1, 1)."""

    alpha: Tensor
    sigma: Tensor

    def mix(self, data: Tensor, noise: Tensor) -> Tensor:
        """x_t for (B, C, H, W) data and noise."""
        return self.alpha * data + self.sigma * noise


Path = Callable[[Tensor], Level]
"""(B,) times in [0, 1] -> the level of each."""


def variance_preserving(schedule: Schedule) -> Path:
    """The path with alpha^2 = alpha_bar and alpha^2 + sigma^2 = 1 (Ho et al. 2020, equation 4)."""

    def level(t: Tensor) -> Level:
        alpha_bar = schedule(t)[:, None, None, None]
        return Level(alpha_bar.sqrt(), (1 - alpha_bar).sqrt())

    return level


@dataclass(frozen=True)
class Prediction:
    """One thing that a network can be trained to say.

    Attributes:
        target: what it should say of (data, noise, level).
        data: the data that is meant by (what it says, x_t, level).
        weight: of its squared error at a level.
    """

    target: Callable[[Tensor, Tensor, Level], Tensor]
    data: Callable[[Tensor, Tensor, Level], Tensor]
    weight: Callable[[Level], Tensor]


def _snr(level: Level) -> Tensor:
    return (level.alpha / level.sigma).square()


# The weights are min(SNR, gamma) times what turns an error of the prediction into one of the data: all three
# give the same loss (Hang et al. 2023, section 3.4). v is that of Salimans & Ho 2022, appendix D.
PREDICTIONS = {
    "x0": Prediction(
        target=lambda data, noise, level: data,
        data=lambda said, x_t, level: said,
        weight=lambda level: _snr(level).clamp(max=MIN_SNR_GAMMA),
    ),
    "v": Prediction(
        target=lambda data, noise, level: level.alpha * noise - level.sigma * data,
        data=lambda said, x_t, level: level.alpha * x_t - level.sigma * said,
        weight=lambda level: torch.minimum(level.alpha.square(), MIN_SNR_GAMMA * level.sigma.square()),
    ),
    "epsilon": Prediction(
        target=lambda data, noise, level: noise,
        data=lambda said, x_t, level: (x_t - level.sigma * said) / level.alpha.clamp_min(LEAST_ALPHA),
        weight=lambda level: (MIN_SNR_GAMMA / _snr(level)).clamp(max=1.0),
    ),
}


def stratified_times(count: int, rng: torch.Generator) -> Tensor:
    """(count,) times, each uniform in [0, 1), spread evenly over it (Kingma et al. 2021, appendix I.1).

    A batch that covers all noise levels has a far less noisy loss than one of independent times.
    """
    shift = torch.rand(1, generator=rng, device=rng.device)
    return (shift + torch.arange(count, device=rng.device) / count) % 1
