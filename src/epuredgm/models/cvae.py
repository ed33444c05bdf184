"""Conditional variational autoencoder of grey pictures: a small grid of latents, and a prior that knows it.

What a picture shows besides its conditions is in a grid of latents. Their prior is learned twice: as one
Gaussian for each position, which the objective charges for, and then, with everything else frozen, as a path
from that Gaussian to what the encoder really says, along which pictures are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from epuredgm.core.errors import UnsupportedMode
from epuredgm.core.spec import DataSpec
from epuredgm.interface import (
    Batch,
    GenerativeModel,
    LossTerms,
    Phase,
    Progress,
    Reconstruction,
    SampleRequest,
    Update,
)
from epuredgm.nn.condition_embedder import ConditionEmbedder
from epuredgm.nn.divergence import KLDivergenceLoss
from epuredgm.nn.edges import EdgeLoss
from epuredgm.nn.latent_flow import LatentFlow
from epuredgm.nn.layers import SpatialLayers, UNetLayers
from epuredgm.nn.spatial_coder import ConditionalPrior, LatentGrid, SpatialDecoder, SpatialEncoder
from epuredgm.nn.texture import Texture
from epuredgm.nn.zero_inflated import ReconstructionLoss

ACTIVE = 0.01  # variance of a latent's posterior mean over pictures, from which it counts (Burda et al. 2016)


class CVAE(GenerativeModel):
    """Conditional VAE (Sohn et al. 2015) with a spatial latent and a flow as its second prior.

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.cvae`.
    """

    kl_channels: Tensor
    moments: Tensor
    scale: Tensor

    def __init__(
        self,
        spec: DataSpec,
        *,
        layers: SpatialLayers,
        flow: UNetLayers,
        context: int,
        likelihood: str,
        scale: str,
        kl_warmup: float,
        free_bits: float,
        edge_weight: float,
        condition_dropout: float,
        unconditional: float,
        path_unconditional: float,
        flow_steps: int,
        temperature: float,
        texture: float,
    ) -> None:
        super().__init__(spec)
        self.grid = grid = LatentGrid(spec.size, layers)
        self.reconstruction = ReconstructionLoss(spec, likelihood, scale)
        self.kl = KLDivergenceLoss(free_bits, kl_warmup)
        self.edge = EdgeLoss()
        self.condition = ConditionEmbedder(spec, context)
        self.encoder = SpatialEncoder(spec, grid, layers, context)
        self.decoder = SpatialDecoder(spec.size, self.reconstruction.channels, grid, layers, context)
        self.prior = ConditionalPrior(grid, layers.widths[0], context)
        self.flow = LatentFlow(spec, grid.shape, flow, context)
        self.texture = Texture(spec.channels, spec.size)
        self.edge_weight = edge_weight
        self.dropout = condition_dropout, unconditional
        self.path_dropout = condition_dropout, path_unconditional
        self.flow_steps, self.temperature, self.texture_strength = flow_steps, temperature, texture
        self.register_buffer("kl_channels", torch.zeros(grid.shape[0]))
        self.register_buffer("scale", torch.zeros(()))
        self.register_buffer("moments", torch.zeros(2, grid.shape[0], grid.positions))

    def phases(self) -> Sequence[Phase]:
        """First the autoencoder with its Gaussian prior; then the path, on frozen latents."""
        modules = [self.condition, self.encoder, self.decoder, self.prior, self.reconstruction]
        main = Update("all", tuple(m for m in modules if list(m.parameters())), self.loss)
        prior = Update("prior", (self.flow,), self.prior_loss)
        return (
            Phase("main", (main,), self.validate, finish=self.measure),
            Phase("prior", (prior,), self.prior_loss),
        )

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """The negative ELBO with its KL warmed up and partly free, the edges, and the fringe."""
        conditions = self.condition.drop(batch.conditions, *self.dropout, progress.rng)
        terms = self._terms(batch.images, conditions, progress.rng)
        kl = self.kl.weight(progress.share) * terms.pop("charged")
        loss = terms["reconstruction"] + kl + self.edge_weight * terms["edge"] + terms["fringe"]
        return {"loss": loss, **terms}

    def validate(self, batch: Batch, progress: Progress) -> LossTerms:
        """The negative ELBO itself, of one draw of the latents: comparable over epochs and settings."""
        terms = self._terms(batch.images, batch.conditions, progress.rng)
        del terms["charged"]
        return {"loss": terms["reconstruction"] + terms["kl"], **terms}

    def _terms(self, images: Tensor, conditions: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Means over the batch, in nats per picture; ``edge`` is a share of the picture's edges."""
        context = self.condition(conditions)
        posterior = self.encoder(images, context)
        divergence = self.kl(posterior, self.prior(context))
        decoded = self.decoder(posterior.draw(rng), context)
        nll = self.reconstruction(decoded, images)
        edge = self.edge(self.reconstruction.read(decoded).mean, images, self.reconstruction.there(images))
        return {
            "reconstruction": (nll.occupancy + nll.intensity).mean(),
            "occupancy": nll.occupancy.mean(),
            "kl": divergence.total,
            "charged": divergence.charged,
            "edge": edge.mean(),
            "fringe": self.reconstruction.fringe(decoded, images).mean(),
            "scale": nll.scale,
        }

    def prior_loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """Squared error of the path's velocity over posterior draws in units of the Gaussian prior."""
        conditions = batch.conditions
        if self.flow.training:
            conditions = self.condition.drop(conditions, *self.path_dropout, progress.rng)
        with torch.no_grad():
            context = self.condition(conditions)
            z, prior = self.encoder(batch.images, context).draw(progress.rng), self.prior(context)
            latents = (z - prior.mean) / prior.deviation
        return {"loss": self.flow.losses(latents, conditions, progress.rng).mean()}

    def measure(self, batches: Iterable[Batch], progress: Progress) -> None:
        """What latents carry and what the decoder leaves out, over the train pictures."""
        kept = self.kl_channels, self.moments, self.scale
        for buffer in kept:
            buffer.zero_()
        self.texture.fit(self._errors(batches, progress.rng))

    def _errors(self, batches: Iterable[Batch], rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Errors of each batch, over their scale, and where they count; the other figures on the way."""
        count = 0
        for batch in batches:
            images, context = batch.images, self.condition(batch.conditions)
            posterior = self.encoder(images, context)
            decoded = self.decoder(posterior.draw(rng), context)
            share = len(images) / (count + len(images))
            count += len(images)
            self.kl_channels.lerp_(posterior.kl_to(self.prior(context)).mean(0), share)
            self.moments.lerp_(torch.stack([posterior.mean, posterior.mean.square()]).mean(1), share)
            self.scale.lerp_(self.reconstruction(decoded, images).scale, share)
            yield self.reconstruction.errors(decoded, images), self.reconstruction.there(images)

    def learned(self) -> Mapping[str, Any]:
        """How much the latents say, and how close decoded pictures are taken to be."""
        variances = self.moments[1] - self.moments[0].square()
        return {
            "kl": float(self.kl_channels.sum()),
            "kl_channels": self.kl_channels.tolist(),
            "active_units": int((variances > ACTIVE).sum()),
            "units": variances.numel(),
            "scale": float(self.scale),
        }

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Draw latents along the path and decode them; see :meth:`GenerativeModel.sample`.

        Guidance does not apply: conditions act through the prior and the decoder.
        """
        if request.known is not None:
            raise UnsupportedMode("a CVAE completes no designs")
        context = self.condition.asked(request)
        prior = self.prior(context)
        noise = torch.randn(prior.mean.shape, generator=rng, device=self.device)
        path = self.flow.draw(self.temperature * noise, self.flow.condition.asked(request), self.flow_steps)
        decoded = self.decoder(prior.mean + prior.deviation * path, context)
        errors = self.texture_strength * self.texture.draw(request.count, rng)
        return self.reconstruction.picture(decoded, errors)

    def reconstruct(self, batch: Batch, rng: torch.Generator) -> Reconstruction:
        """Decode the posterior means; see :meth:`GenerativeModel.reconstruct`."""
        context = self.condition(batch.conditions)
        posterior = self.encoder(batch.images, context)
        kl = posterior.kl_to(self.prior(context)).sum(1)
        images = self.reconstruction.picture(self.decoder(posterior.mean, context))
        return Reconstruction(images, kl, posterior.mean.flatten(1))
