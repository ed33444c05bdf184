"""Settings of :class:`epuredgm.models.vae.VAE`."""

from __future__ import annotations

from dataclasses import dataclass

from epuredgm.core.fields import Share
from epuredgm.models.settings import Components, Fidelity, Iterations, Latent, Width
from epuredgm.nn.layers import DecoderLayers, EncoderLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        latent: width of the latent vector, D.
        encoder, decoder: sizes of the networks.
        context: width of the vectors that the blocks see.
        fidelity: ``ours``, or ``paper``: latents are drawn from N(0, I), no prior is fitted.
        condition_dropout: share of the designs whose condition is replaced by the null vector.
        kl_warmup: share of the training over which the weight of the KL rises from 0 to 1.
        prior_components: Gaussians in the prior.
        prior_iterations: EM iterations of its fit.
    """

    latent: Latent
    encoder: EncoderLayers
    decoder: DecoderLayers
    context: Width
    fidelity: Fidelity
    condition_dropout: Share
    kl_warmup: Share
    prior_components: Components
    prior_iterations: Iterations


@dataclass(frozen=True)
class Sampler:
    """There is nothing to set."""
