"""Bounds stay below a known evidence and tighten with K; DReG is the same gradient, less noisy."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from epuredgm.nn.gaussian import DiagonalGaussian
from epuredgm.nn.importance import BOUNDS, elbo, iwae, reparameterise_twice

X = 1.3  # the datum; z ~ N(0, 1), x | z ~ N(z, 1), hence x ~ N(0, 2)
EVIDENCE = -0.5 * (X**2 / 2 + math.log(2 * math.pi * 2))
STANDARD = DiagonalGaussian(torch.zeros(1), torch.zeros(1))


def log_weights(q: DiagonalGaussian, z: Tensor, decoder: Tensor) -> Tensor:
    """log p(x | z) p(z) / q(z) of draws (1, K, B, 1); the decoder's weight is one number per design."""
    x = DiagonalGaussian(decoder[:, None] * z, torch.zeros(1))
    return x.log_density(torch.tensor([X])) + STANDARD.log_density(z) - q.log_density(z)


def model(draws: int, designs: int, objective: str) -> tuple[Tensor, Tensor, Tensor]:
    """Bound of each design, and the leaves: (B, 2) parameters of q and (B,) of the decoder.

    Each design has parameters of its own, so that each gives an independent gradient.
    """
    parameters = torch.tensor([0.3, -0.2]).expand(designs, -1).clone().requires_grad_()
    decoder = torch.ones(designs, requires_grad=True)
    q = DiagonalGaussian.of(parameters[None, None].expand(-1, draws, -1, -1))
    z = q.draw(torch.Generator().manual_seed(0))
    weights = log_weights(q.detach() if objective == "dreg" else q, z, decoder)
    if objective == "dreg":
        reparameterise_twice(weights, [z])
    return BOUNDS[objective](weights)[0], parameters, decoder


def gradients(draws: int, designs: int, objective: str) -> tuple[Tensor, Tensor]:
    """Gradients of each design's bound in q's parameters (B, 2) and in the decoder (B,)."""
    bound, parameters, decoder = model(draws, designs, objective)
    encoder, generator = torch.autograd.grad(bound.sum(), (parameters, decoder))
    return encoder, generator


def test_with_one_draw_all_bounds_are_the_elbo() -> None:
    values = [model(1, 50, objective)[0] for objective in BOUNDS]
    assert torch.equal(values[0], values[1])
    assert torch.equal(values[1], values[2])


def test_the_bound_rises_with_the_draws_and_stays_below_the_evidence() -> None:
    means = [float(model(draws, 20_000, "iwae")[0].detach().mean()) for draws in (1, 4, 16, 64)]
    assert means == sorted(means)
    assert means[-1] < EVIDENCE + 1e-3
    assert means[-1] == pytest.approx(EVIDENCE, abs=0.01)
    assert means[0] < EVIDENCE - 0.05


def test_with_the_exact_posterior_every_draw_gives_the_evidence() -> None:
    q = DiagonalGaussian(torch.full((1, 5, 7, 1), X / 2), torch.full((1, 5, 7, 1), math.log(0.5)))
    weights = log_weights(q, q.draw(torch.Generator().manual_seed(0)), torch.ones(7))
    torch.testing.assert_close(weights, torch.full((1, 5, 7), EVIDENCE))
    torch.testing.assert_close(elbo(weights), iwae(weights))


@pytest.mark.parametrize("draws", [1, 2, 16])
def test_dreg_has_the_mean_of_the_iwae_gradient_and_less_variance(draws: int) -> None:
    count = 40_000
    (plain, _), (twice, _) = (gradients(draws, count, objective) for objective in ("iwae", "dreg"))
    error = ((plain.var(0) + twice.var(0)) / count).sqrt()
    assert ((plain.mean(0) - twice.mean(0)).abs() < 4 * error).all()
    assert (plain.mean(0).abs() > 10 * error)[0], "a gradient of zero would agree with anything"
    assert (twice.var(0) < (0.9 if draws == 1 else 0.5) * plain.var(0)).all()


def test_dreg_leaves_the_decoders_gradient_as_it_is() -> None:
    (_, plain), (_, twice) = (gradients(8, 100, objective) for objective in ("iwae", "dreg"))
    torch.testing.assert_close(plain, twice, rtol=1e-4, atol=1e-6)


def test_the_iwae_gradient_weighs_each_draw_by_its_share() -> None:
    weights = torch.randn(2, 5, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(iwae(weights).sum(), weights)
    torch.testing.assert_close(gradient, weights.softmax(1))
