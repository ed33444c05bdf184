"""The KL by its definition, and what free bits charge for."""

from __future__ import annotations

import torch

from epuredgm.nn.divergence import KLDivergenceLoss
from epuredgm.nn.gaussian import DiagonalGaussian


def gaussian(seed: int, shift: float = 0.0) -> DiagonalGaussian:
    rng = torch.Generator().manual_seed(seed)
    mean, log_variance = torch.randn(2, 5, 3, 4, generator=rng).unbind()
    return DiagonalGaussian(shift + mean, log_variance)


def test_the_kl_is_the_closed_form_of_normals_summed_over_positions() -> None:
    q, p = gaussian(0), gaussian(1)
    normal = torch.distributions.Normal
    law = torch.distributions.kl_divergence(normal(q.mean, q.deviation), normal(p.mean, p.deviation))
    divergence = KLDivergenceLoss(0.0, 0.0)(q, p)
    torch.testing.assert_close(divergence.channels, law.sum(2).mean(0))
    torch.testing.assert_close(divergence.charged, divergence.total)


def test_a_channel_below_its_free_bits_costs_them_and_has_no_gradient() -> None:
    p = DiagonalGaussian(torch.zeros(5, 2, 4), torch.zeros(5, 2, 4))
    mean = torch.zeros(5, 2, 4)
    mean[:, 1] = 3.0
    mean.requires_grad_(True)
    divergence = KLDivergenceLoss(0.25, 0.0)(DiagonalGaussian(mean + 0.01, torch.zeros(5, 2, 4)), p)
    torch.testing.assert_close(divergence.charged, 0.25 * 4 + divergence.channels[1])
    divergence.charged.backward()
    assert mean.grad is not None
    assert (mean.grad[:, 0] == 0).all()
    assert (mean.grad[:, 1] > 0).all()


def test_the_weight_rises_with_the_steps_to_one() -> None:
    kl = KLDivergenceLoss(0.0, 0.4)
    assert [kl.weight(share) for share in (0.0, 0.2, 0.4, 0.9)] == [0.0, 0.5, 1.0, 1.0]
    assert KLDivergenceLoss(0.0, 0.0).weight(0.1) == 1.0
