"""Laplace posteriors whose scales share a budget, as MMVAE and MMVAE+ have them (Palumbo et al. 2023)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

LEAST_SCALE = 1e-6  # added to every scale: a softmax can underflow, and a density must stay finite


class DiagonalLaplace(NamedTuple):
    """Independent Laplace densities, one vector of them per row: ``mean`` and ``scale`` are (..., D)."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, parameters: Tensor) -> DiagonalLaplace:
        """From (..., 2 D) network outputs; the scales are a softmax times D, so that they sum to D.

        Zeros give the standard Laplace density. No posterior can be sharp in every latent.
        """
        mean, raw = parameters.float().chunk(2, dim=-1)
        return cls(mean, raw.softmax(-1) * raw.shape[-1] + LEAST_SCALE)

    def detach(self) -> DiagonalLaplace:
        """The same numbers without gradient."""
        return DiagonalLaplace(self.mean.detach(), self.scale.detach())

    @property
    def deviation(self) -> Tensor:
        """Standard deviations: (..., D)."""
        return self.scale * math.sqrt(2)

    def draw(self, rng: torch.Generator) -> Tensor:
        """One reparameterised draw per row, by the inverse distribution function: (..., D)."""
        u = torch.rand(self.mean.shape, generator=rng, device=self.mean.device) - 0.5
        tiny = torch.finfo(u.dtype).tiny
        return self.mean - self.scale * u.sign() * (1 - 2 * u.abs()).clamp_min(tiny).log()

    def log_density(self, z: Tensor) -> Tensor:
        """Log density in nats at (..., D), summed over latents: (...); shapes broadcast."""
        return -((z - self.mean).abs() / self.scale + (2 * self.scale).log()).sum(-1)

    def kl_to_standard(self) -> Tensor:
        """KL(self || Laplace(0, 1)) in nats, summed over latents: (...)."""
        away = self.mean.abs()
        return (away + self.scale * (-away / self.scale).exp() - 1 - self.scale.log()).sum(-1)
