"""The KL of a grid of latents with free bits for each channel, and its weight over the training."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from epuredgm.nn.gaussian import DiagonalGaussian


class Divergence(NamedTuple):
    """Nats per picture: ``channels`` (channels,) as they are, ``charged`` with the free ones taken off."""

    channels: Tensor
    charged: Tensor

    @property
    def total(self) -> Tensor:
        """Nats per picture over all channels."""
        return self.channels.sum()


class KLDivergenceLoss(nn.Module):
    """KL(q || p), summed over positions; a channel that says little is not charged for it.

    Args:
        free_bits: nats for each position that a channel has free (Kingma et al. 2016, appendix C.8): below
            them its KL gives no gradient, so that nothing drives it to zero.
        warmup: share of the training over which the weight rises from 0 to 1.
    """

    def __init__(self, free_bits: float, warmup: float) -> None:
        super().__init__()
        self.free_bits, self.warmup = free_bits, warmup

    def forward(self, posterior: DiagonalGaussian, prior: DiagonalGaussian) -> Divergence:
        """Of Gaussians over (B, channels, P)."""
        channels = posterior.kl_to(prior).mean(0)
        free = self.free_bits * posterior.mean.shape[-1]
        return Divergence(channels, torch.clamp_min(channels, free).sum())

    def weight(self, share: float) -> float:
        """The weight of the KL when a share of the steps is done."""
        return min(1.0, share / max(self.warmup, 1e-9))
