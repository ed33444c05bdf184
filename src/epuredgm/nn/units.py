"""Which units of a latent vector carry information: what a collapsed posterior is told by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from epuredgm.nn.gaussian import DiagonalGaussian

ACTIVE = 0.01  # variance of a unit's posterior mean above which it is in use (Burda et al. 2016, section 5.3)


class UnitUse(nn.Module):
    """Statistics of posteriors over many designs, in buffers; zero before :meth:`record`.

    Args:
        latent: number of units, D.
    """

    spread: Tensor
    kl: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.register_buffer("spread", torch.zeros(latent))
        self.register_buffer("kl", torch.zeros(()))

    def record(self, posteriors: Iterable[DiagonalGaussian]) -> None:
        """Keep each unit's variance of means, and the mean KL to N(0, I), of batches of (B, D) posteriors."""
        means, divergences = zip(*((each.mean, each.kl_to_standard()) for each in posteriors), strict=True)
        self.spread.copy_(torch.cat(means).var(0, correction=0))
        self.kl.copy_(torch.cat(divergences).mean())

    def describe(self) -> dict[str, Any]:
        """How many units are in use, of how many, and the nats that they carry: JSON-ready."""
        active = int((self.spread > ACTIVE).sum())
        return {"units": len(self.spread), "active_units": active, "kl": round(float(self.kl), 4)}
