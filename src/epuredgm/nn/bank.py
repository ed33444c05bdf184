"""One encoder and one decoder for all components: a learned vector says which component a pass is about.

The components are folded into the batch, so that their number costs no further weights and no Python loop.
There is no normalisation over the batch, hence no component and no design sees another.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.nn.coder import Decoder, Encoder
from epuredgm.nn.layers import DecoderLayers, EncoderLayers


class ComponentNames(nn.Module):
    """A learned vector per component, added to the context of its designs."""

    def __init__(self, components: int, context: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(components, context))

    def forward(self, context: Tensor) -> Tensor:
        """(B, context) -> (B * C, context), the components of a design side by side."""
        return (context[:, None] + self.vectors).flatten(0, 1)


class ComponentEncoder(nn.Module):
    """Each component of a design by itself -> its features; see :class:`epuredgm.nn.coder.Encoder`."""

    def __init__(self, spec: DataSpec, *, context: int, layers: EncoderLayers) -> None:
        super().__init__()
        self.names = ComponentNames(spec.channels, context)
        self.encoder = Encoder(spec.size, 1, context=context, layers=layers)

    def forward(self, images: Tensor, context: Tensor) -> Tensor:
        """(B, C, H, W) and (B, context) -> (B, C, features); row k depends on component k only."""
        folded = images.flatten(0, 1)[:, None]
        return self.encoder(folded, self.names(context)).unflatten(0, images.shape[:2])


class ComponentDecoder(nn.Module):
    """A latent of each component -> one logit map of it; see :class:`epuredgm.nn.coder.Decoder`.

    Args:
        latent: width of a component's latent, D.
    """

    def __init__(self, spec: DataSpec, latent: int, *, context: int, layers: DecoderLayers) -> None:
        super().__init__()
        self.names = ComponentNames(spec.channels, context)
        self.mix = nn.Sequential(nn.Linear(latent + context, context), nn.SiLU(), nn.Linear(context, context))
        self.decoder = Decoder(spec.size, 1, context=context, layers=layers)

    def forward(self, z: Tensor, context: Tensor) -> Tensor:
        """(B, C, D) and (B, context) -> (B, C, H, W) logits; channel k depends on row k of z only."""
        mixed = self.mix(torch.cat([z.flatten(0, 1), self.names(context)], dim=1))
        return self.decoder(mixed)[:, 0].unflatten(0, z.shape[:2])
