"""Settings of :class:`epuredgm.models.gmrf_mvae.GmrfMvae`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from epuredgm.core.fields import Problem, Share, Weight, between
from epuredgm.core.spec import DataSpec
from epuredgm.models.settings import Fidelity, Iterations, Latent, Width
from epuredgm.nn.layers import DecoderLayers, EncoderLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        fidelity: ``paper`` for the published posterior, likelihood and objective: free nats, subset weight,
            prior iterations and candidates are then without effect.
        edges: pairs of components (by number) with an edge between them; None links all.
        latent: width of a component's latent, D.
        encoder, decoder: sizes of the networks.
        context: width of the vectors that the blocks see.
        condition_dropout: share of the designs whose conditions are left out.
        kl_warmup: share of the training over which the weight of the KL rises from 0 to 1.
        free_nats: of divergence per latent that cost nothing, against collapse.
        subset_weight: of the divergence from the posterior of all components to that of some.
        prior_iterations: closed-form updates of the prior after training.
    """

    fidelity: Fidelity
    edges: list[list[int]] | None
    latent: Latent
    encoder: EncoderLayers
    decoder: DecoderLayers
    context: Width
    condition_dropout: Share
    kl_warmup: Share
    free_nats: Annotated[float, between(0, 1000)]
    subset_weight: Weight
    prior_iterations: Iterations

    def fits(self, spec: DataSpec) -> Iterator[Problem]:
        """Edges are between components that there are."""
        count = spec.channels
        for edge in self.edges or ():
            if len(set(edge)) != 2 or len(edge) != 2 or not set(edge) <= set(range(count)):
                yield "edges", f"must hold pairs of different numbers from 0 to {count - 1}, not {edge}"


@dataclass(frozen=True)
class Sampler:
    """What only sampling depends on.

    Attributes:
        candidates: draws from which a completion is chosen by how well it agrees with the given components.
    """

    candidates: Annotated[int, between(1, 10_000)]
