"""Settings of :class:`epuredgm.models.wgan_gp.WGANGP`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from epuredgm.core.fields import Share, Weight, between
from epuredgm.models.settings import Components, Fidelity, Iterations, Latent, Width
from epuredgm.nn.layers import DecoderLayers, EncoderLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        latent: width of the latent vector.
        context: width of the vectors that the blocks see.
        normalised: whether the critic normalises its features (each design by itself).
        encoder, decoder: sizes of the generator's networks.
        critic: size of the critic.
        condition_dropout: share of the designs whose condition is replaced by the null vector.
        given_share: share of the designs that come with known components.
        penalty: weight of the gradient penalty.
        penalty_every: critic steps from one penalty to the next; the weight grows with them.
        adherence: weight of the conditions' misreading, in both updates.
        energy: weight of the energy score of the generated designs' features.
        prior_components: Gaussians in the prior of the conditions.
        prior_iterations: EM iterations of its fit.
        fidelity: ``paper`` for the published objective: without projection, adherence and energy, and with
            the penalty at every step.
    """

    latent: Latent
    context: Width
    normalised: bool
    encoder: EncoderLayers
    decoder: DecoderLayers
    critic: EncoderLayers
    condition_dropout: Share
    given_share: Share
    penalty: Weight
    penalty_every: Annotated[int, between(1, 10_000)]
    adherence: Weight
    energy: Weight
    prior_components: Components
    prior_iterations: Iterations
    fidelity: Fidelity


@dataclass(frozen=True)
class Sampler:
    """There is nothing to set."""
