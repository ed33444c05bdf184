"""The Laplace terms agree with torch.distributions; the scales share a budget."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Laplace, kl_divergence

from epuredgm.nn.laplace import LEAST_SCALE, DiagonalLaplace

LATENT = 4


def laplace(*shape: int, spread: float = 1.0) -> DiagonalLaplace:
    rng = torch.Generator().manual_seed(1)
    return DiagonalLaplace.of(spread * torch.randn(*shape, 2 * LATENT, generator=rng))


@given(spread=st.floats(0, 300), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_scales_sum_to_their_number_and_densities_stay_finite(spread: float, seed: int) -> None:
    raw = spread * torch.randn(5, 2 * LATENT, generator=torch.Generator().manual_seed(seed))
    q = DiagonalLaplace.of(raw)
    torch.testing.assert_close(q.scale.sum(1), torch.full((5,), LATENT * (1 + LEAST_SCALE)))
    assert torch.isfinite(q.log_density(q.mean + 1)).all()
    assert torch.isfinite(q.kl_to_standard()).all()


def test_density_divergence_and_deviation() -> None:
    q = laplace(3, 5)
    reference = Laplace(q.mean, q.scale)
    z = torch.randn(3, 5, LATENT)
    torch.testing.assert_close(q.log_density(z), reference.log_prob(z).sum(-1))
    standard = Laplace(torch.zeros(3, 5, LATENT), torch.ones(3, 5, LATENT))
    torch.testing.assert_close(q.kl_to_standard(), kl_divergence(reference, standard).sum(-1))
    torch.testing.assert_close(q.deviation, reference.stddev)


def test_zeros_give_the_standard_density() -> None:
    standard = DiagonalLaplace.of(torch.zeros(2 * LATENT))
    assert (standard.mean == 0).all()
    torch.testing.assert_close(standard.scale, torch.ones(LATENT), rtol=0, atol=2 * LEAST_SCALE)


def test_draws_have_the_moments_and_carry_gradient() -> None:
    q = laplace(1)
    many = DiagonalLaplace(*(part.expand(100_000, -1) for part in q))
    z = many.draw(torch.Generator().manual_seed(0))
    torch.testing.assert_close(z.mean(0), q.mean[0], rtol=0, atol=0.03)
    torch.testing.assert_close(z.std(0) / q.deviation[0], torch.ones(LATENT), rtol=0, atol=0.03)
    spread = (z - q.mean).abs().mean(0) / q.scale[0]
    torch.testing.assert_close(spread, torch.ones(LATENT), rtol=0, atol=0.03)
    parameters = torch.zeros(3, 2 * LATENT, requires_grad=True)
    DiagonalLaplace.of(parameters).draw(torch.Generator().manual_seed(0)).square().sum().backward()
    assert parameters.grad is not None
    assert (parameters.grad != 0).all()
