"""Settings of :class:`epuredgm.models.mmvaeplus.MMVAEPlus`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from epuredgm.core.fields import Fraction, Share, Weight, between
from epuredgm.models.settings import Components, Fidelity, Iterations, Latent, Width
from epuredgm.nn.layers import DecoderLayers, EncoderLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        fidelity: ``ours``, or the ``paper``'s: Laplace densities everywhere, posterior scales that sum to D,
            no expert of the whole design, every source in turn, a constant beta of 2.5, no refitted prior,
            private codes from p(w).
        shared, private: widths of the codes, Dz and Dw.
        objective: see :data:`epuredgm.nn.importance.BOUNDS`.
        draws: K.
        sources: see :func:`epuredgm.nn.experts.choose_sources`.
        whole_share: weight of the expert of the whole design in the mixture.
        encoder, decoder: sizes of the networks.
        context: width of the vectors that the blocks see.
        condition_dropout: share of the designs whose condition is replaced by the null vector.
        prior_components: Gaussians in the refitted prior.
        prior_iterations: EM iterations of its fit.
        beta: weight of the latents' densities.
        kl_warmup: share of the training over which it rises from 0.
    """

    fidelity: Fidelity
    shared: Latent
    private: Latent
    objective: Literal["elbo", "iwae", "dreg"]
    draws: Annotated[int, between(1, 1000)]
    sources: Literal["all", "one"]
    whole_share: Fraction
    encoder: EncoderLayers
    decoder: DecoderLayers
    context: Width
    condition_dropout: Share
    prior_components: Components
    prior_iterations: Iterations
    beta: Weight
    kl_warmup: Share


@dataclass(frozen=True)
class Sampler:
    """There is nothing to set."""
