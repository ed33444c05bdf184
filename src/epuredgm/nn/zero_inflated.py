"""The likelihood of pictures that are exactly zero where nothing was seen, and a smooth density elsewhere.

A density alone would put haze around a breast. Two maps are decoded instead: whether anything is there
(Bernoulli), and the intensity where something is (Laplace or Gaussian, with one learned scale).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.core.choices import require_choice
from epuredgm.core.spec import DataSpec

LIKELIHOODS = ("laplace", "gaussian")
SCALES = ("learned", "analytic")
FIRST_SCALE = 0.1  # of an intensity, before anything is learned
PACE = 10.0  # of the logarithm of the scale: one number goes a longer way than the weights of a network


class NegativeLogLikelihood(NamedTuple):
    """Nats of each picture, both (B,), of where it is zero and of its other intensities; the scale."""

    occupancy: Tensor
    intensity: Tensor
    scale: Tensor


class ReconstructionLoss(nn.Module):
    """Negative log likelihood in nats per picture: L1 (``laplace``) or squared error (``gaussian``).

    Args:
        spec: the data set; half a stored level parts zero from something, and one is the smallest scale.
        likelihood: ``laplace`` or ``gaussian``.
        scale: ``learned`` with the other weights; ``analytic``: the best one for the errors of each batch
            (Rybkin et al. 2021, sigma-VAE).
    """

    def __init__(self, spec: DataSpec, likelihood: str, scale: str) -> None:
        super().__init__()
        require_choice("model.network.likelihood", likelihood, LIKELIHOODS)
        require_choice("model.network.scale", scale, SCALES)
        self.laplace = likelihood == "laplace"
        self.least = math.log(1 / spec.levels)
        self.half_level = 0.5 / spec.levels
        self.channels = 2 * spec.channels
        start = torch.full((1,), math.log(FIRST_SCALE) / PACE)
        self.raw = nn.Parameter(start) if scale == "learned" else None

    def forward(self, decoded: Tensor, images: Tensor) -> NegativeLogLikelihood:
        """Nats of (B, C, H, W) images given (B, 2 C, H, W) decoded maps."""
        logits, mean = decoded.float().chunk(2, dim=1)
        there = (images > self.half_level).float()
        occupancy = functional.binary_cross_entropy_with_logits(logits, there, reduction="none")
        error = (images - mean) * there
        log_scale = self._log_scale(error, there)
        away = error / log_scale.exp()
        density = away.abs() if self.laplace else 0.5 * away.square()
        constant = math.log(2) if self.laplace else 0.5 * math.log(2 * math.pi)
        density = density + (log_scale + constant) * there
        return NegativeLogLikelihood(
            occupancy.flatten(1).sum(1), density.flatten(1).sum(1), log_scale.exp().detach()
        )

    def _log_scale(self, error: Tensor, there: Tensor) -> Tensor:
        if self.raw is not None:
            return (PACE * self.raw[0]).clamp_min(self.least)
        size = error.abs() if self.laplace else error.square()
        best = (size.sum() / there.sum().clamp_min(1)).clamp_min(1e-12).log()
        return (best if self.laplace else 0.5 * best).clamp_min(self.least)

    @staticmethod
    def picture(decoded: Tensor) -> Tensor:
        """The most probable picture of (B, 2 C, H, W) decoded maps: (B, C, H, W) in [0, 1]."""
        logits, mean = decoded.float().chunk(2, dim=1)
        return mean.clamp(0, 1) * (logits > 0)
