"""The VAE of one component by itself, for families that train the components apart, then together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.interface import LossTerms
from epuredgm.nn.coder import Decoder, Encoder
from epuredgm.nn.gaussian import DiagonalGaussian
from epuredgm.nn.layers import DecoderLayers, EncoderLayers
from epuredgm.nn.units import UnitUse


class Marginal(nn.Module):
    """A latent vector of one component, its posterior and its decoder; it knows no conditions.

    Args:
        size: rows and columns of the images.
        latent: width of the latent vector, D.
        encoder, decoder: sizes of the networks.
        context: width of what the decoder's blocks see.
    """

    def __init__(
        self,
        size: tuple[int, int],
        latent: int,
        *,
        encoder: EncoderLayers,
        decoder: DecoderLayers,
        context: int,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(size, 1, context=1, layers=encoder)
        self.posterior = nn.Linear(encoder.features, 2 * latent)
        self.mix = nn.Sequential(nn.Linear(latent, context), nn.SiLU(), nn.Linear(context, context))
        self.decoder = Decoder(size, 1, context=context, layers=decoder)
        self.units = UnitUse(latent)

    def encode(self, images: Tensor) -> DiagonalGaussian:
        """Posteriors of (B, H, W) images: (B, D)."""
        nothing_to_tell = images.new_ones(len(images), 1)
        return DiagonalGaussian.of(self.posterior(self.encoder(images[:, None], nothing_to_tell)))

    def decode(self, z: Tensor) -> Tensor:
        """Logits of latents (B, D): (B, H, W)."""
        return self.decoder(self.mix(z))[:, 0]

    def elbo(self, images: Tensor, kl_weight: float, rng: torch.Generator) -> LossTerms:
        """The negative ELBO of (B, H, W) images, summed over pixels and latents, averaged over the batch."""
        posterior = self.encode(images)
        logits = self.decode(posterior.draw(rng)).float()
        losses = functional.binary_cross_entropy_with_logits(logits, images.float(), reduction="none")
        reconstruction, kl = losses.flatten(1).sum(1).mean(), posterior.kl_to_standard().mean()
        return {"loss": reconstruction + kl_weight * kl, "reconstruction": reconstruction, "kl": kl}
