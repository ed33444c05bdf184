"""The published posterior of GMRF-MVAE: own variances, and scaled covariances between components."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SHARE = 0.9  # epsilon of the bound below
HIDDEN = 128


def scaled_covariance(variances: Tensor, cross: Tensor) -> Tensor:
    """Variances v (..., D) and wished covariances O (..., D, D) -> a positive definite (..., D, D).

    It is diag(v) + O * sqrt(a a^T) with a_k = min(1, e v_k / sum_l |O_kl|), and O has a zero diagonal. With
    y_k = sqrt(a_k) |x_k|, the second term is at most sum |O_kl| y_k y_l <= sum_k y_k^2 sum_l |O_kl| <= e sum
    v_k x_k^2 along x: the result lies between (1 - e) diag(v) and (1 + e) diag(v).
    """
    scale = (SHARE * variances / (cross.abs().sum(-1) + 1e-6)).clamp(max=1.0).sqrt()
    return torch.diag_embed(variances) + cross * scale[..., :, None] * scale[..., None, :]


class CrossCovariance(nn.Module):
    """From the features of each component to the posterior over all components' latents.

    Args:
        components: C.
        latent: numbers per component, D.
        features: of each component, which are condensed to a covariance embedding of D numbers.
    """

    below: Tensor

    def __init__(self, components: int, latent: int, features: int) -> None:
        super().__init__()
        self.width = width = components * latent
        node = torch.arange(width) // latent
        self.register_buffer("below", (node[:, None] > node).nonzero().T, persistent=False)
        self.layers = None
        if components > 1:
            self.embed = nn.Linear(features, latent)
            self.layers = nn.Sequential(
                nn.Linear(width, HIDDEN),
                nn.LeakyReLU(0.2),
                nn.Linear(HIDDEN, HIDDEN),
                nn.LeakyReLU(0.2),
                nn.Linear(HIDDEN, self.below.shape[1]),
            )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, features) -> wished covariances (B, C * D, C * D), symmetric, zero within a component."""
        cross = features.new_zeros(len(features), self.width, self.width)
        if self.layers is not None:
            rows, columns = self.below
            cross[:, rows, columns] = self.layers(self.embed(features).flatten(1)).to(cross.dtype)
        return cross + cross.mT
