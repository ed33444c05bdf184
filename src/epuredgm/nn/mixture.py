"""A mixture of Gaussians over latents and conditions, fitted once: a prior with conditionals in closed form.

A standard normal prior is crowded where no encoded design lies. A mixture fitted to the encoded designs is
not, and because it covers latents and conditions jointly, drawing for a wanted condition means conditioning
each Gaussian.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class GaussianMixture(nn.Module):
    """Full-covariance mixture over vectors of D numbers, in buffers; before :meth:`fit` it is N(0, I).

    The algebra is in double precision, which automatic mixed precision leaves alone.

    Args:
        components: number of Gaussians, M.
        width: D.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor

    def __init__(self, components: int, width: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((components,), 1 / components))
        self.register_buffer("means", torch.zeros(components, width))
        self.register_buffer("covariances", torch.eye(width).repeat(components, 1, 1))

    def fit(self, data: Tensor, rng: torch.Generator, iterations: int) -> list[float]:
        """Fit to (N, D) data by expectation-maximisation; returns the objective after each iteration.

        The covariances are posterior modes under an inverse Wishart prior of ``D + 2`` pseudo-observations
        with a small share of the data's variance, so that a Gaussian with few points stays proper. The
        objective, the log likelihood plus the log prior over N, never falls.
        """
        data = data.double()
        count, width = data.shape
        components = len(self.weights)
        floor = torch.diag(1e-3 * data.var(0).clamp_min(1e-6)) if count > 1 else torch.eye(width).to(data)
        strength = width + 2.0
        state = _first_guess(data, components, floor, rng)
        objective = []
        for _ in range(iterations):
            joint = _log_joint(data, *state)
            total = joint.logsumexp(1)
            objective.append(float(total.sum() + _log_prior(state[2], floor, strength)) / count)
            state = _maximise(data, (joint - total[:, None]).exp(), floor, strength)
        for buffer, value in zip((self.weights, self.means, self.covariances), state, strict=True):
            buffer.copy_(value)
        return objective

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """(count, D) draws."""
        chosen = torch.multinomial(self.weights.expand(count, -1), 1, generator=rng)[:, 0]
        return _draw(self.means[chosen].double(), self.covariances[chosen].double(), rng).float()

    def draw_given(self, tail: Tensor, rng: torch.Generator) -> Tensor:
        """Draws of the first D - K numbers given the last K, ``tail`` (B, K): (B, D - K)."""
        log_weights, means, covariances = self.given(tail)
        chosen = torch.multinomial(log_weights.exp(), 1, generator=rng)[:, 0]
        rows = torch.arange(len(tail), device=tail.device)
        return _draw(means[rows, chosen], covariances[chosen], rng).float()

    def marginal(self, columns: Tensor) -> GaussianMixture:
        """The mixture of some of the numbers, in the order of ``columns``, (K,) of 0 to D - 1."""
        part = GaussianMixture(len(self.weights), len(columns)).to(self.means.device)
        part.weights, part.means = self.weights, self.means[:, columns]
        part.covariances = self.covariances[:, columns][:, :, columns]
        return part

    def given(self, tail: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mixture of the first D - K numbers given the last K.

        Args:
            tail: (B, K).

        Returns:
            Log weights (B, M), means (B, M, D - K), covariances (M, D - K, D - K), in double precision.
        """
        split = self.means.shape[1] - tail.shape[1]
        weights, means, covariances = self.weights.double(), self.means.double(), self.covariances.double()
        if split == means.shape[1]:
            return weights.log().expand(len(tail), -1), means.expand(len(tail), -1, -1), covariances
        head, mixed = covariances[:, :split, :split], covariances[:, :split, split:]
        tails, tail = covariances[:, split:, split:], tail.double()
        gain = torch.linalg.solve(tails, mixed.mT).mT
        log_weights = _log_joint(tail, weights, means[:, split:], tails).log_softmax(1)
        away = tail[:, None] - means[:, split:]
        return (
            log_weights,
            means[:, :split] + torch.einsum("mhk,bmk->bmh", gain, away),
            head - gain @ mixed.mT,
        )


def _first_guess(
    data: Tensor, components: int, floor: Tensor, rng: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Far-apart data points as means (k-means++ seeding), with the covariance of one of M equal cells."""
    whitened = data / data.std(0).clamp_min(1e-6) if len(data) > 1 else data
    chosen = torch.randint(len(data), (1,), generator=rng, device=rng.device)
    distance = (whitened - whitened[chosen]).square().sum(1)
    for _ in range(components - 1):
        new = torch.multinomial(distance + 1e-12, 1, generator=rng)
        distance = torch.minimum(distance, (whitened - whitened[new]).square().sum(1))
        chosen = torch.cat([chosen, new])
    centred = data - data.mean(0)
    spread = centred.T @ centred / len(data) / components ** (2 / data.shape[1]) + floor
    weights = torch.full((components,), 1 / components, dtype=data.dtype, device=data.device)
    return weights, data[chosen], spread.expand(components, -1, -1)


def _maximise(data: Tensor, shares: Tensor, floor: Tensor, strength: float) -> tuple[Tensor, Tensor, Tensor]:
    """The M step; ``shares`` (N, M) are the responsibilities."""
    mass = shares.sum(0)
    means = (shares.T @ data) / mass.clamp_min(1e-12)[:, None]
    scatters = []
    for share, mean in zip(shares.T, means, strict=True):
        centred = data - mean
        scatters.append((centred * share[:, None]).T @ centred)
    covariances = (torch.stack(scatters) + strength * floor) / (mass + strength)[:, None, None]
    return (mass / mass.sum()).clamp_min(1e-12), means, covariances


def _log_joint(data: Tensor, weights: Tensor, means: Tensor, covariances: Tensor) -> Tensor:
    """Log weight plus log density of each Gaussian at each point: (N, D) -> (N, M)."""
    factors = torch.linalg.cholesky(covariances)
    whiten = torch.linalg.inv(factors)  # of a triangular matrix of a few dozen rows
    log_determinants = factors.diagonal(dim1=1, dim2=2).log().sum(1)
    squares = [((data - mean) @ white.T).square().sum(1) for mean, white in zip(means, whiten, strict=True)]
    constant = data.shape[1] * math.log(2 * math.pi)
    return weights.log() - log_determinants - 0.5 * (torch.stack(squares, dim=1) + constant)


def _log_prior(covariances: Tensor, floor: Tensor, strength: float) -> Tensor:
    """Log inverse Wishart density of the covariances up to a constant, mode ``floor``."""
    precision_trace = (
        torch.linalg.solve(covariances, floor.expand_as(covariances)).diagonal(dim1=1, dim2=2).sum(1)
    )
    return -0.5 * strength * (torch.linalg.slogdet(covariances)[1] + precision_trace).sum()


def _draw(means: Tensor, covariances: Tensor, rng: torch.Generator) -> Tensor:
    """One draw per row of N(means, covariances)."""
    noise = torch.randn(means.shape, generator=rng, device=means.device, dtype=means.dtype)
    return means + (torch.linalg.cholesky(covariances) @ noise[:, :, None])[:, :, 0]
