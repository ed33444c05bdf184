"""Gaussians in latent space: the diagonal posterior, the full one for partial evidence, their divergences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from epuredgm.nn.cholesky import full_precision, safe_cholesky

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

    @classmethod
    def stack(cls, gaussians: Sequence[DiagonalGaussian]) -> DiagonalGaussian:
        """C of them, (B, D) each, side by side: (B, C, D)."""
        means, log_variances = zip(*gaussians, strict=True)
        return cls(torch.stack(means, dim=1), torch.stack(log_variances, dim=1))

    def detach(self) -> DiagonalGaussian:
        """The same numbers without gradient."""
        return DiagonalGaussian(self.mean.detach(), self.log_variance.detach())

    def rows(self, count: int) -> DiagonalGaussian:
        """The first ``count`` rows."""
        return DiagonalGaussian(self.mean[:count], self.log_variance[:count])

    def repeat(self, times: int) -> DiagonalGaussian:
        """All rows, ``times`` times over."""
        return DiagonalGaussian(*(torch.cat([part] * times) for part in self))

    @property
    def deviation(self) -> Tensor:
        """Standard deviations: (..., D)."""
        return (0.5 * self.log_variance).exp()

    def draw(self, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        """One reparameterised draw per row: (..., D); ``temperature`` scales the standard deviation."""
        noise = torch.randn(self.mean.shape, generator=rng, device=self.mean.device)
        return self.mean + temperature * self.deviation * noise

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
        mean: (..., D).
        factor: (..., D, D), lower triangular with a positive diagonal.
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

    @classmethod
    def of_precision(cls, precision: Tensor, potential: Tensor) -> FullGaussian:
        """From the information form: precision (..., D, D) and precision times mean (..., D)."""
        factor = safe_cholesky(precision)
        return cls(torch.cholesky_solve(potential[..., None], factor)[..., 0], factor)

    @classmethod
    def of_covariance(cls, mean: Tensor, covariance: Tensor) -> FullGaussian:
        """From mean (..., D) and covariance (..., D, D) = U U^T, U upper triangular: the factor is U^-T."""
        upper = safe_cholesky(covariance.flip(-2, -1)).flip(-2, -1)
        identity = torch.eye(mean.shape[-1], dtype=mean.dtype, device=mean.device)
        return cls(mean, torch.linalg.solve_triangular(upper.mT, identity.expand_as(upper), upper=False))

    def covariance(self) -> Tensor:
        """(..., D, D)."""
        identity = torch.eye(self.mean.shape[-1], dtype=self.mean.dtype, device=self.mean.device)
        root = torch.linalg.solve_triangular(self.factor.mT, identity.expand_as(self.factor), upper=True)
        with full_precision(root.device):
            return root @ root.mT

    def last(self, count: int) -> FullGaussian:
        """The marginal of the last ``count`` numbers: the factor being lower triangular, a block of it."""
        start = self.mean.shape[-1] - count
        return FullGaussian(self.mean[..., start:], self.factor[..., start:, start:])

    def draw(self, rng: torch.Generator) -> Tensor:
        """One reparameterised draw per row: (..., D)."""
        noise = torch.randn(self.mean.shape, generator=rng, device=self.mean.device, dtype=self.mean.dtype)
        return self.mean + torch.linalg.solve_triangular(self.factor.mT, noise[..., None], upper=True)[..., 0]

    def kl_to(self, other: FullGaussian) -> Tensor:
        """KL(self || other) in nats: (...); shapes broadcast."""
        spread = torch.linalg.solve_triangular(self.factor, other.factor, upper=False).square().sum((-2, -1))
        away = ((self.mean - other.mean)[..., None] * other.factor).sum(-2).square().sum(-1)
        log_ratio = 2 * (self._log_diagonal() - other._log_diagonal()).sum(-1)
        return 0.5 * (spread + away - self.mean.shape[-1] + log_ratio)

    def _log_diagonal(self) -> Tensor:
        return self.factor.diagonal(dim1=-2, dim2=-1).log()

    def kl_from(self, other: DiagonalGaussian) -> Tensor:
        """KL(other || self) in nats: (B,). Minimised over self, it matches the moments of ``other``."""
        spread = (self.factor**2 * other.log_variance.exp()[:, :, None]).sum((1, 2))
        away = (other.mean - self.mean)[:, :, None]
        distance = (away * self.factor).sum(1).square().sum(1)
        log_ratio = 2 * self.factor.diagonal(dim1=1, dim2=2).log().sum(1) + other.log_variance.sum(1)
        return 0.5 * (spread + distance - self.mean.shape[1] - log_ratio)


class Moments(NamedTuple):
    """Of a population of rows, some of whose numbers are known and others Gaussian.

    Attributes:
        mean: (D,).
        covariance: (D, D).
        within: (D, D), the part of the covariance that is left within a row, on average.
    """

    mean: Tensor
    covariance: Tensor
    within: Tensor

    def informative(self) -> Tensor:
        """(D,): the share of the variance between rows, along directions that make it largest first.

        The directions are uncorrelated in the population.
        """
        factor = safe_cholesky(self.covariance)
        white = torch.linalg.solve_triangular(factor, self.within, upper=False)
        white = torch.linalg.solve_triangular(factor, white.mT, upper=False)
        return 1 - torch.linalg.eigvalsh(white)


def pooled_moments(batches: Iterable[tuple[Tensor, FullGaussian]]) -> Moments:
    """Moments of all rows of all batches in double precision: known numbers (B, K), then Gaussian ones."""
    total: Tensor | float = 0.0
    squares: Tensor | float = 0.0
    within: Tensor | float = 0.0
    count = 0
    for known, gaussian in batches:
        rows = torch.cat([known, gaussian.mean], dim=1).double()
        spread = gaussian.covariance().double().sum(0)
        total, squares, count = total + rows.sum(0), squares + rows.T @ rows, count + len(rows)
        within = within + torch.nn.functional.pad(spread, (known.shape[1], 0) * 2)
    mean = torch.as_tensor(total / count)
    within = torch.as_tensor(within / count)
    return Moments(mean, squares / count - mean[:, None] * mean + within, within)
