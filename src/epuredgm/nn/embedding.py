"""Scalars as vectors: the time of a noisy design, and its conditions with a learned vector for "any".

Both feed the scale and shift of every residual block (:mod:`epuredgm.nn.blocks`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from epuredgm.interface import SampleRequest

TIME_SCALE = 1000.0  # t in [0, 1] is spread over the range that the wavelengths below were made for
LONGEST = 10_000.0  # ratio of the longest to the shortest wavelength (Vaswani et al. 2017, section 3.5)
CONDITION_FREQUENCIES = (0.5, 1.0, 2.0, 4.0)  # radians per standard deviation


def sinusoids(t: Tensor, width: int) -> Tensor:
    """Sines and cosines of ``1000 t`` at geometrically spaced frequencies.

    Args:
        t: (B,) times in [0, 1]; unscaled, most features would hardly move over the whole range.
        width: number of features, even.

    Returns:
        (B, width), in [-1, 1].
    """
    half = width // 2
    index = torch.arange(half, device=t.device, dtype=torch.float32)
    angles = TIME_SCALE * t.float()[:, None] * torch.exp(-math.log(LONGEST) / half * index)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class TimeEmbedding(nn.Module):
    """(B,) times in [0, 1] -> (B, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t: Tensor) -> Tensor:
        """Embed the times."""
        return self.layers(sinusoids(t, self.width))


class ConditionEmbedding(nn.Module):
    """Encoded conditions -> (B, width); a learned null vector stands for designs of any condition.

    Args:
        count: number of conditions, K; with none every design has the null vector.
        width: of the embedding.
    """

    frequencies: Tensor

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.count = count
        self.null_vector = nn.Parameter(0.02 * torch.randn(width))
        self.register_buffer("frequencies", torch.tensor(CONDITION_FREQUENCIES), persistent=False)
        features = count * (1 + 2 * len(CONDITION_FREQUENCIES))
        self.layers = (
            nn.Sequential(nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width)) if count else None
        )

    def forward(self, conditions: Tensor, dropped: Tensor | None = None) -> Tensor:
        """Embed (B, K) conditions of unit variance; where ``dropped`` (B,) holds, the null vector instead."""
        null = self.null(len(conditions))
        if self.layers is None:
            return null
        angles = (conditions[:, :, None] * self.frequencies).flatten(1)
        embedded = self.layers(torch.cat([conditions, angles.sin(), angles.cos()], dim=1))
        return embedded if dropped is None else torch.where(dropped[:, None], null, embedded)

    def asked(self, request: SampleRequest) -> Tensor:
        """(B, width): the conditions that a request asks for, embedded; null vectors if it asks for none."""
        return self.null(request.count) if request.conditions is None else self(request.conditions)

    def null(self, count: int) -> Tensor:
        """(count, width): the null vector for each design."""
        return self.null_vector.expand(count, -1)


def random_drop(count: int, share: float, rng: torch.Generator) -> Tensor:
    """(count,) bool, each True with probability ``share``: condition dropout, drawn per sample."""
    return torch.rand(count, generator=rng, device=rng.device) < share
