"""Settings of :class:`epuredgm.models.meta_vae.MetaVAE`."""

from __future__ import annotations

from dataclasses import dataclass

from epuredgm.core.fields import Share, Weight
from epuredgm.models.settings import Components, Depth, Fidelity, Iterations, Latent, Temperature, Width
from epuredgm.nn.layers import DecoderLayers, EncoderLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        fidelity: ``ours``, or ``paper``: z_i is a function of zeta, learned by the likelihood of the pixels
            through the frozen decoders, and zeta is drawn from N(0, I).
        latent: width of a component's latent, D.
        encoder, decoder: sizes of each component's networks.
        meta_latent: width of zeta.
        meta_width, meta_blocks: of the perceptrons between the z_i and zeta.
        context: width of the vectors that networks see beside their input.
        condition_dropout: share of the designs whose condition is replaced by the null vector.
        kl_warmup: share of a phase over which the weight of its KL to the prior rises from 0 to 1.
        marginal_kl: what it rises to in the components' own VAEs.
        prior_components: Gaussians in the refitted prior of zeta.
        prior_iterations: EM iterations of its fit.
    """

    fidelity: Fidelity
    latent: Latent
    encoder: EncoderLayers
    decoder: DecoderLayers
    meta_latent: Latent
    meta_width: Width
    meta_blocks: Depth
    context: Width
    condition_dropout: Share
    kl_warmup: Share
    marginal_kl: Weight
    prior_components: Components
    prior_iterations: Iterations


@dataclass(frozen=True)
class Sampler:
    """What only sampling depends on.

    Attributes:
        temperature: scale of the spread of the p(z_i | zeta, c) in drawing; 0 draws their means.
    """

    temperature: Temperature
