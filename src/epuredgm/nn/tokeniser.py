"""Each component of a design as a few tokens of its own: some components can be known without others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.nn.bank import ComponentEncoder
from epuredgm.nn.layers import EncoderLayers
from epuredgm.nn.quantisers import Quantised, Quantiser


class Tokeniser(nn.Module):
    """One encoder for all components, and the quantiser of what it says.

    The encoder sees a component and which one it is, and nothing else: the tokens of a given component do not
    depend on what is asked for beside it.

    Args:
        spec: the data set.
        quantiser: of the tokens.
        tokens: per component, T.
        context: width of the vector that names the component.
        layers: size of the encoder.
    """

    nothing: Tensor

    def __init__(
        self, spec: DataSpec, quantiser: Quantiser, tokens: int, *, context: int, layers: EncoderLayers
    ) -> None:
        super().__init__()
        self.encoder = ComponentEncoder(spec, context=context, layers=layers)
        self.vectors = nn.Linear(layers.features, tokens * quantiser.width)
        self.quantiser, self.tokens = quantiser, tokens
        self.register_buffer("nothing", torch.zeros(1, context), persistent=False)

    def forward(self, images: Tensor, rng: torch.Generator | None = None) -> Quantised:
        """(B, C, H, W) -> quantised (B, C, T, D); ``rng`` is for a codebook, which moves in training mode."""
        features = self.encoder(images, self.nothing.expand(len(images), -1))
        return self.quantiser(self.vectors(features).unflatten(2, (self.tokens, -1)), rng)
