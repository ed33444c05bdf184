"""The mixture's fit never gets worse, its conditionals are exact, and its draws have its moments."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import MultivariateNormal

from epuredgm.nn.mixture import GaussianMixture


def random_mixture(components: int, width: int, seed: int) -> GaussianMixture:
    rng = torch.Generator().manual_seed(seed)
    mixture = GaussianMixture(components, width)
    root = torch.randn(components, width, width, generator=rng)
    mixture.weights.copy_(torch.rand(components, generator=rng).softmax(0))
    mixture.means.copy_(2 * torch.randn(components, width, generator=rng))
    mixture.covariances.copy_(root @ root.mT / width + 0.3 * torch.eye(width))
    return mixture


def log_density(mixture: GaussianMixture, points: torch.Tensor) -> torch.Tensor:
    normals = MultivariateNormal(mixture.means.double(), mixture.covariances.double())
    return (mixture.weights.double().log() + normals.log_prob(points.double()[:, None])).logsumexp(1)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 60), st.integers(0, 1000))
def test_the_objective_never_falls(components: int, width: int, count: int, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    data = torch.randn(count, width, generator=rng) * 3
    mixture = GaussianMixture(components, width)
    objective = mixture.fit(data, rng, 12)
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(objective))
    assert all(torch.isfinite(buffer).all() for buffer in mixture.buffers())
    assert (torch.linalg.eigvalsh(mixture.covariances.double()) > 0).all()


def test_a_fit_recovers_separate_gaussians() -> None:
    rng = torch.Generator().manual_seed(0)
    truth = random_mixture(3, 2, seed=4)
    truth.means.copy_(torch.tensor([[-9.0, 0.0], [9.0, 0.0], [0.0, 9.0]]))
    fitted = GaussianMixture(3, 2)
    fitted.fit(truth.draw(20_000, rng), rng, 60)
    order = torch.cdist(truth.means, fitted.means).argmin(1)
    torch.testing.assert_close(fitted.means[order], truth.means, rtol=0, atol=0.05)
    torch.testing.assert_close(fitted.covariances[order], truth.covariances, rtol=0.05, atol=0.05)
    torch.testing.assert_close(fitted.weights[order], truth.weights, rtol=0, atol=0.02)


def test_before_a_fit_it_is_the_standard_normal() -> None:
    points = torch.randn(5, 3)
    standard = MultivariateNormal(torch.zeros(3, dtype=torch.double), torch.eye(3, dtype=torch.double))
    torch.testing.assert_close(log_density(GaussianMixture(4, 3), points), standard.log_prob(points.double()))


def test_conditioning_is_exact() -> None:
    """p(z | c) = p(z, c) / p(c), at any z."""
    mixture = random_mixture(4, 5, seed=1)
    z, c = torch.randn(6, 3), torch.randn(6, 2)
    log_weights, means, covariances = mixture.given(c)
    normals = MultivariateNormal(means, covariances.expand(6, -1, -1, -1))
    conditional = (log_weights + normals.log_prob(z.double()[:, None])).logsumexp(1)
    marginal = GaussianMixture(4, 2)
    marginal.weights.copy_(mixture.weights)
    marginal.means.copy_(mixture.means[:, 3:])
    marginal.covariances.copy_(mixture.covariances[:, 3:, 3:])
    torch.testing.assert_close(
        conditional,
        log_density(mixture, torch.cat([z, c], 1)) - log_density(marginal, c),
        rtol=1e-6,
        atol=1e-6,
    )


def test_a_marginal_leaves_numbers_out_and_puts_the_rest_in_order() -> None:
    mixture = random_mixture(3, 4, seed=5)
    columns = torch.tensor([3, 0])
    part = mixture.marginal(columns)
    normals = MultivariateNormal(
        mixture.means[:, columns].double(), mixture.covariances[:, columns][:, :, columns].double()
    )
    points = torch.randn(50, 2)
    by_hand = (mixture.weights.double().log() + normals.log_prob(points.double()[:, None])).logsumexp(1)
    torch.testing.assert_close(log_density(part, points), by_hand)
    everything = mixture.marginal(torch.arange(4))
    assert torch.equal(everything.covariances, mixture.covariances)


def test_a_conditional_draw_has_the_conditional_moments() -> None:
    mixture = random_mixture(3, 4, seed=2)
    c = torch.tensor([[0.4]])
    log_weights, means, _ = mixture.given(c)
    z = mixture.draw_given(c.expand(100_000, -1), torch.Generator().manual_seed(0))
    expected = (log_weights.exp()[:, :, None] * means).sum(1)[0].float()
    torch.testing.assert_close(z.mean(0), expected, rtol=0, atol=0.04)


def test_without_a_tail_the_conditional_is_the_mixture() -> None:
    mixture = random_mixture(3, 4, seed=3)
    rng = torch.Generator().manual_seed(0)
    log_weights, means, covariances = mixture.given(torch.zeros(2, 0))
    torch.testing.assert_close(log_weights[1].exp().float(), mixture.weights)
    torch.testing.assert_close(means[1].float(), mixture.means)
    torch.testing.assert_close(covariances.float(), mixture.covariances)
    assert mixture.draw_given(torch.zeros(2, 0), rng).shape == (2, 4)


def test_the_same_stream_gives_the_same_fit() -> None:
    data = torch.randn(200, 3)
    fits = []
    for _ in range(2):
        mixture = GaussianMixture(4, 3)
        mixture.fit(data, torch.Generator().manual_seed(7), 10)
        fits.append(mixture.means)
    assert torch.equal(*fits)


@pytest.mark.parametrize("data", [torch.zeros(1, 3), torch.zeros(50, 3), torch.ones(4, 3)])
def test_data_without_spread_keep_the_mixture_proper(data: torch.Tensor) -> None:
    mixture = GaussianMixture(5, 3)
    mixture.fit(data, torch.Generator().manual_seed(0), 5)
    assert torch.isfinite(mixture.draw(10, torch.Generator().manual_seed(0))).all()
