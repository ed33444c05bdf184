"""The prior of a latent variable model, refitted to what its encoder really says of the train designs.

It covers latents and conditions jointly: drawn together they belong together, and for wanted conditions it is
conditioned in closed form (:mod:`epuredgm.nn.mixture`).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from epuredgm.interface import SampleRequest
from epuredgm.nn.mixture import GaussianMixture


class LatentPrior(nn.Module):
    """A mixture of Gaussians over (latent, conditions); before :meth:`fit` it is N(0, I).

    Args:
        components: number of Gaussians.
        latent: width of the latent vector, D.
        conditions: number of conditions, K.
    """

    def __init__(self, components: int, latent: int, conditions: int) -> None:
        super().__init__()
        self.widths = [latent, conditions]
        self.mixture = GaussianMixture(components, latent + conditions)

    def fit(self, encoded: Iterable[tuple[Tensor, Tensor]], rng: torch.Generator, iterations: int) -> None:
        """Fit to batches of latents (B, D), drawn from their posteriors, and their conditions (B, K)."""
        rows = [torch.cat([latents, conditions], dim=1) for latents, conditions in encoded]
        self.mixture.fit(torch.cat(rows), rng, iterations)

    def asked(self, request: SampleRequest, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Latents (B, D) with the conditions (B, K) that a request asks for, or with drawn ones."""
        if request.conditions is not None:
            return self.mixture.draw_given(request.conditions, rng), request.conditions
        latents, conditions = self.mixture.draw(request.count, rng).split(self.widths, dim=1)
        return latents, conditions
