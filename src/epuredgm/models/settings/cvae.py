"""Settings of :class:`epuredgm.models.cvae.CVAE`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from epuredgm.core.fields import Share, Weight, between
from epuredgm.models.settings import Evaluations, Temperature
from epuredgm.nn.layers import EvenWidth, SpatialLayers, UNetLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        layers: the latent grid, and the size of encoder and decoder.
        flow: size of the second prior's network, on the latent grid.
        context: width of the embedded conditions.
        likelihood, scale: of the intensities; see :class:`epuredgm.nn.zero_inflated.ReconstructionLoss`.
        kl_warmup, free_bits: see :class:`epuredgm.nn.divergence.KLDivergenceLoss`.
        edge_weight: nats for a picture without any of its edges.
        condition_dropout: chance of each condition to be unknown in training.
        unconditional: share of the pictures of which training knows no condition at all.
        path_unconditional: the same while the second prior is learned.
    """

    layers: SpatialLayers
    flow: UNetLayers
    context: EvenWidth
    likelihood: Literal["laplace", "gaussian"]
    scale: Literal["local", "learned", "analytic"]
    kl_warmup: Share
    free_bits: Annotated[float, between(0, 1000)]
    edge_weight: Weight
    condition_dropout: Share
    unconditional: Share
    path_unconditional: Share


@dataclass(frozen=True)
class Sampler:
    """What only sampling depends on.

    Attributes:
        flow_steps: two evaluations each.
        temperature: deviation of the noise that latents are drawn from; 1 is the model's own.
        texture: strength of the drawn errors of the decoder, 1 as measured; 0 draws its smooth middle.
    """

    flow_steps: Evaluations
    temperature: Temperature
    texture: Temperature
