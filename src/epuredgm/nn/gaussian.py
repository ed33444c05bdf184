"""Gaussians in latent space: the diagonal posterior, the full one for partial evidence, their divergences."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

LOG_TWO_PI = math.log(2 * math.pi)
LOG_VARIANCE = (-10.0, 5.0)  # bounds that keep a posterior's variance a normal number


class DiagonalGaussian(NamedTuple):
    """N(mean, diag(exp(log_variance))), one per row: both (..., D)."""

    mean: Tensor
    log_variance: Tensor

    @classmethod
    def of(cls, parameters: Tensor) -> DiagonalGaussian:
        """From (..., 2 D) network outputs; the log variance is kept within :data:`LOG_VARIANCE`."""
        mean, log_variance = parameters.float().chunk(2, dim=-1)
        return cls(mean, log_variance.clamp(*LOG_VARIANCE))

    def detach(self) -> DiagonalGaussian:
        """The same numbers without gradient."""
        return DiagonalGaussian(self.mean.detach(), self.log_variance.detach())

    def rows(self, count: int) -> DiagonalGaussian:
        """The first ``count`` rows."""
        return DiagonalGaussian(self.mean[:count], self.log_variance[:count])

    @property
    def deviation(self) -> Tensor:
        """Standard deviations: (..., D)."""
        return (0.5 * self.log_variance).exp()

    def draw(self, rng: torch.Generator) -> Tensor:
        """One reparameterised draw per row: (..., D)."""
        noise = torch.randn(self.mean.shape, generator=rng, device=self.mean.device)
        return self.mean + self.deviation * noise

    def log_density(self, z: Tensor) -> Tensor:
        """Log density in nats at (..., D), summed over latents: (...); shapes broadcast."""
        squares = (z - self.mean).square() * (-self.log_variance).exp()
        return -0.5 * (squares + self.log_variance + LOG_TWO_PI).sum(-1)

    def kl_to_standard(self) -> Tensor:
        """KL(self || N(0, I)) in nats, summed over latents: (...) (Kingma & Welling 2014, appendix B)."""
        return 0.5 * (self.mean**2 + self.log_variance.exp() - 1 - self.log_variance).sum(-1)

    def kl_to(self, other: DiagonalGaussian) -> Tensor:
        """KL(self || other) in nats, summed over latents: (...)."""
        log_ratio = self.log_variance - other.log_variance
        away = (self.mean - other.mean).square() * (-other.log_variance).exp()
        return 0.5 * (log_ratio.exp() + away - 1 - log_ratio).sum(-1)


class FullGaussian(NamedTuple):
    """N(mean, (factor factor^T)^-1), one per row: a full covariance, by the Cholesky factor of the precision.

    Attributes:
        mean: (B, D).
        factor: (B, D, D), lower triangular with a positive diagonal.
    """

    mean: Tensor
    factor: Tensor

    @staticmethod
    def parameters(latent: int) -> int:
        """Number of free parameters: what :meth:`of` takes per row."""
        return 2 * latent + latent * (latent - 1) // 2

    @classmethod
    def of(cls, parameters: Tensor, latent: int) -> FullGaussian:
        """From (B, parameters(latent)) network outputs: mean, log diagonal, entries below it."""
        mean, log_diagonal, below = parameters.float().split(
            [latent, latent, latent * (latent - 1) // 2], dim=1
        )
        low, high = LOG_VARIANCE
        factor = torch.diag_embed(log_diagonal.clamp(-high / 2, -low / 2).exp())
        rows, columns = torch.tril_indices(latent, latent, -1, device=factor.device)
        factor[:, rows, columns] = below
        return cls(mean, factor)

    def draw(self, rng: torch.Generator) -> Tensor:
        """One draw per row: (B, D)."""
        noise = torch.randn(self.mean.shape, generator=rng, device=self.mean.device)[:, :, None]
        return self.mean + torch.linalg.solve_triangular(self.factor.mT, noise, upper=True)[:, :, 0]

    def kl_from(self, other: DiagonalGaussian) -> Tensor:
        """KL(other || self) in nats: (B,). Minimised over self, it matches the moments of ``other``."""
        spread = (self.factor**2 * other.log_variance.exp()[:, :, None]).sum((1, 2))
        away = (other.mean - self.mean)[:, :, None]
        distance = (away * self.factor).sum(1).square().sum(1)
        log_ratio = 2 * self.factor.diagonal(dim1=1, dim2=2).log().sum(1) + other.log_variance.sum(1)
        return 0.5 * (spread + distance - self.mean.shape[1] - log_ratio)
