"""The refitted prior hands out latents and conditions that belong together."""

from __future__ import annotations

import torch

from epuredgm.interface import SampleRequest
from epuredgm.nn.latent_prior import LatentPrior


def fitted() -> LatentPrior:
    """The first latent is the condition, the second is noise."""
    rng = torch.Generator().manual_seed(0)
    conditions = torch.randn(2000, 1, generator=rng)
    latents = torch.cat([conditions, torch.randn(2000, 1, generator=rng)], dim=1)
    prior = LatentPrior(3, 2, 1)
    prior.fit(zip(latents.split(100), conditions.split(100), strict=True), rng, 20)
    return prior


def test_latents_belong_to_the_conditions_that_come_with_them() -> None:
    prior, rng = fitted(), torch.Generator().manual_seed(1)
    wanted = torch.linspace(-2, 2, 500)[:, None]
    for request in (SampleRequest(500), SampleRequest(500, wanted)):
        latents, conditions = prior.asked(request, rng)
        assert latents.shape == (500, 2)
        assert ((latents[:, :1] - conditions).abs() < 0.3).float().mean() > 0.99
        assert latents[:, 1].std() > 0.8
    assert torch.equal(prior.asked(SampleRequest(500, wanted), rng)[1], wanted)


def test_without_conditions_it_draws_latents() -> None:
    prior, rng = LatentPrior(2, 3, 0), torch.Generator().manual_seed(0)
    for request in (SampleRequest(4), SampleRequest(4, torch.zeros(4, 0))):
        latents, conditions = prior.asked(request, rng)
        assert latents.shape == (4, 3)
        assert conditions.shape == (4, 0)
