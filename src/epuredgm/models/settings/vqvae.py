"""Settings of :class:`epuredgm.models.vqvae.VQVAE`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from epuredgm.core.fields import Problem, Share, Weight, between, entries
from epuredgm.models.settings import Depth, Fidelity, Width
from epuredgm.nn.layers import DecoderLayers, EncoderLayers

MOST_CODES = 2**20


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        fidelity: ``ours`` rounds to finite scalars (Mentzer et al. 2024); ``paper`` has a codebook of as many
            codes, moved by running means, and the commitment loss.
        levels: of each number of a token; their product is the number of codes.
        tokens: per component.
        code_width, code_decay, commitment: of the codebook and its loss; without effect in ``ours``.
        encoder, decoder: sizes of the networks.
        context: width of the vectors that the blocks see.
        decoder_dropout: share of the designs whose condition the decoder does not see.
        prior_width, prior_layers, prior_heads: of the transformer.
        condition_dropout: share of the designs whose condition the prior does not see.
        given_share: share of the designs that begin with given components.
    """

    fidelity: Fidelity
    levels: Annotated[list[Annotated[int, between(2, 1024)]], entries(1, 20)]
    tokens: Annotated[int, between(1, 4096)]
    code_width: Width
    code_decay: Share
    commitment: Weight
    encoder: EncoderLayers
    decoder: DecoderLayers
    context: Width
    decoder_dropout: Share
    prior_width: Width
    prior_layers: Depth
    prior_heads: Annotated[int, between(1, 1024)]
    condition_dropout: Share
    given_share: Share

    def rules(self) -> Iterator[Problem]:
        """Heads share the width; a code has a row in every table."""
        if self.prior_width % self.prior_heads:
            heads = f"prior_heads ({self.prior_heads})"
            yield "prior_width", f"must be a multiple of {heads}, not {self.prior_width}"
        codes = math.prod(self.levels)
        if codes > MOST_CODES:
            yield (
                "levels",
                f"must have a product, the number of codes, of at most {MOST_CODES:,}, not {codes}",
            )


@dataclass(frozen=True)
class Sampler:
    """What only sampling depends on; see :class:`epuredgm.nn.token_prior.Choice`."""

    temperature: Annotated[float, between(0, 100, above=True)]
    top_p: Annotated[float, between(0, 1, above=True)]
