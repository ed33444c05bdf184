"""What an encoder says of its component's latent: a Gaussian, to be multiplied with what else is known."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

LOG_PRECISION = (-8.0, 8.0)
FIRST_LOG_PRECISION = 3.0  # worth reading from the start: else encoders fall silent before decoders listen


class Messages(NamedTuple):
    """N(mean, 1 / precision) of every latent of every component, side by side: both (B, C * D)."""

    mean: Tensor
    precision: Tensor

    def draw(self, rng: torch.Generator) -> Tensor:
        """One draw of each message: (B, C * D)."""
        noise = torch.randn(self.mean.shape, generator=rng, device=self.mean.device)
        return self.mean + noise / self.precision.sqrt()


class MessageLayer(nn.Module):
    """From the features of each component.

    Args:
        features: of a component.
        latent: numbers of a component's latent, D.
    """

    def __init__(self, features: int, latent: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 2 * latent)
        nn.init.constant_(self.linear.bias[latent:], FIRST_LOG_PRECISION)

    def forward(self, features: Tensor) -> Messages:
        """(B, C, features) -> messages, not in half precision."""
        mean, log_precision = self.linear(features).float().chunk(2, dim=-1)
        return Messages(mean.flatten(1), log_precision.clamp(*LOG_PRECISION).exp().flatten(1))
