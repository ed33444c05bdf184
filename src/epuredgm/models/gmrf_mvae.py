"""Multimodal VAE whose components depend on each other through one Gaussian Markov random field of latents.

Each component has a latent of its own, read by an encoder and by a decoder that see no other component. That
they fit together is up to the prior: a field with an edge between components, and one to the conditions, so
that whatever is known (conditions, any components) enters by conditioning one Gaussian.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.bank import ComponentDecoder, ComponentEncoder
from epuredgm.nn.cross_covariance import CrossCovariance, scaled_covariance
from epuredgm.nn.embedding import ConditionEmbedding, random_drop
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.gaussian import FullGaussian, Moments, pooled_moments
from epuredgm.nn.gmrf import InformationForm, MarkovField, canonical_correlations
from epuredgm.nn.heads import IndependentHead, head_for
from epuredgm.nn.layers import DecoderLayers, EncoderLayers
from epuredgm.nn.messages import MessageLayer, Messages
from epuredgm.nn.resampling import resampled

LOUDNESS = 8.0  # of latents: heard beside the component's name from the first step on


class GmrfMvae(GenerativeModel):
    """GMRF-MVAE (Oubari et al. 2024), its field in precision form and with a conjugate posterior.

    The coordinates of the field are the K conditions and then the D latents of each of the C components.

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.gmrf_mvae`.
    """

    informative: Tensor

    def __init__(
        self,
        spec: DataSpec,
        *,
        fidelity: str,
        edges: Sequence[Sequence[int]] | None,
        latent: int,
        encoder: EncoderLayers,
        decoder: DecoderLayers,
        context: int,
        condition_dropout: float,
        kl_warmup: float,
        free_nats: float,
        subset_weight: float,
        prior_iterations: int,
        candidates: int,
    ) -> None:
        super().__init__(spec)
        self.latent, self.width = latent, spec.channels * latent
        self.head = head_for(spec)
        self.condition = ConditionEmbedding(spec.condition_width, context)
        self.encoder = ComponentEncoder(spec, context=context, layers=encoder)
        self.messages = MessageLayer(encoder.features, latent)
        self.decoder = ComponentDecoder(spec, latent, context=context, layers=decoder)
        self.field = MarkovField(*self._graph(edges))
        self.paper = fidelity == "paper"
        self.likelihood = IndependentHead(spec.channels) if self.paper else self.head
        self.cross = CrossCovariance(spec.channels, latent, encoder.features) if self.paper else None
        self.register_buffer("informative", torch.zeros(self.width))
        self.condition_dropout, self.kl_warmup = condition_dropout, kl_warmup
        self.free_nats, self.subset_weight = free_nats * self.width, subset_weight
        self.prior_iterations, self.candidates = prior_iterations, candidates
        if self.paper:
            self.free_nats, self.subset_weight, self.prior_iterations, self.candidates = 0.0, 0.0, 0, 1

    def _graph(self, edges: Sequence[Sequence[int]] | None) -> tuple[list[int], list[tuple[int, int]]]:
        """Widths of the nodes, and the edges; the conditions, if any, are node 0 and linked to all."""
        channels, conditions = self.spec.channels, self.spec.condition_width
        pairs = {*combinations(range(channels), 2)}
        asked = pairs if edges is None else {tuple(sorted(edge)) for edge in edges}
        linked, widths = sorted(pairs & asked), [self.latent] * channels
        if not conditions:
            return widths, linked
        nodes = range(1, channels + 1)
        return [conditions, *widths], [*((0, k) for k in nodes), *((i + 1, j + 1) for i, j in linked)]

    def phases(self) -> Sequence[Phase]:
        """One phase, one update; at its end the prior is refitted."""
        modules: tuple[nn.Module, ...] = (
            self.condition,
            self.encoder,
            self.messages,
            self.decoder,
            self.field,
        )
        if self.cross is not None and self.spec.channels > 1:
            modules = (*modules, self.cross)
        return (Phase("main", (Update("all", modules, self.loss),), self.validate, finish=self.refit_prior),)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """The negative ELBO with a warmed-up KL, and the divergence to the posterior of some components."""
        warmth = progress.share / self.kl_warmup if self.kl_warmup else 1.0
        return self._terms(batch, progress.rng, min(warmth, 1.0))

    def validate(self, batch: Batch, progress: Progress) -> LossTerms:
        """As :meth:`loss` with the whole KL, so that epochs compare."""
        return self._terms(batch, progress.rng, 1.0)

    def _terms(self, batch: Batch, rng: torch.Generator, beta: float) -> LossTerms:
        images = batch.images
        dropped = random_drop(len(images), self.condition_dropout, rng)
        context = self.condition(batch.conditions, dropped)
        features = self.encoder(images, context)
        field = self._under(self.field.learned(), batch.conditions, dropped)
        messages = self.messages(features)
        posterior = self._posterior(field, messages, features)
        terms = {"kl": posterior.kl_to(self._latents(field)).mean()}
        divergence = terms["kl"]
        if self.subset_weight:
            some = ~random_given(len(images), self.spec.channels, 1.0, rng)  # all but 0 to C - 1
            terms["subset"] = posterior.kl_to(self._latents(self._seen(field, messages, some))).mean()
            divergence = divergence + self.subset_weight * terms["subset"]
        z = posterior.draw(rng)
        logits = self.likelihood.of_components(self._decode(z, context))
        terms["reconstruction"] = self.likelihood.nll(logits, images).mean()
        divergence = divergence.clamp_min(self.free_nats)
        return {"loss": terms["reconstruction"] + beta * divergence, **terms}

    def _under(
        self, field: InformationForm, conditions: Tensor, dropped: Tensor | None = None
    ) -> InformationForm:
        """The field given (B, K) conditions, except where ``dropped`` (B,) holds: there they may be any."""
        known = torch.ones_like(conditions, dtype=torch.bool)
        if dropped is not None:
            known = known & ~dropped[:, None]
        return field.fix(pad(conditions, (0, self.width)), pad(known, (0, self.width)))

    def _seen(
        self, field: InformationForm, messages: Messages, given: Tensor | None = None
    ) -> InformationForm:
        """The field given the messages of all components, or of those flagged in ``given`` (B, C)."""
        precision = messages.precision if given is None else messages.precision * self._latents_of(given)
        return field.observe(self._behind(messages.mean), self._behind(precision))

    def _behind(self, latents: Tensor) -> Tensor:
        """(B, C * D) in the places of the latents, behind zeros for the conditions: (B, K + C * D)."""
        return pad(latents, (self.spec.condition_width, 0))

    def _latents_of(self, given: Tensor) -> Tensor:
        """Flags of components (B, C) as flags of their latents (B, C * D)."""
        return given.repeat_interleave(self.latent, 1)

    def _latents(self, field: InformationForm) -> FullGaussian:
        """The marginal of the latents (B, C * D)."""
        return field.gaussian().last(self.width)

    def _posterior(self, field: InformationForm, messages: Messages, features: Tensor) -> FullGaussian:
        """Of the latents of whole designs: (B, C * D)."""
        if self.cross is None:
            return self._latents(self._seen(field, messages))
        covariance = scaled_covariance(1 / messages.precision, self.cross(features.float()))
        return FullGaussian.of_covariance(messages.mean, covariance)

    def _decode(self, z: Tensor, context: Tensor) -> Tensor:
        """A logit map of each component, from latents (B, C * D) and embedded conditions (B, context)."""
        return self.decoder(LOUDNESS * z.unflatten(1, (-1, self.latent)), context)

    def refit_prior(self, batches: Iterable[Batch], progress: Progress) -> None:
        """Give the prior the moments of the train designs' posteriors, beside their conditions.

        That minimises the mean KL from these posteriors; as they depend on the prior, it is done repeatedly.
        """
        seen = [(b.conditions, self.encoder(b.images, self.condition(b.conditions))) for b in batches]
        self.field.keep()
        for _ in range(self.prior_iterations):
            moments = self._moments(seen)
            self.field.fit(moments.mean, moments.covariance)
        self.informative.copy_(self._moments(seen).informative()[-self.width :])

    def _moments(self, seen: Sequence[tuple[Tensor, Tensor]]) -> Moments:
        """Of conditions and latents together: designs as (B, K) conditions and (B, C, features)."""
        field = self.field.fitted()
        return pooled_moments(
            (c, self._posterior(self._under(field, c), self.messages(features), features))
            for c, features in seen
        )

    def learned(self) -> Mapping[str, Any]:
        """How much components tell of each other, along the canonical directions of their latents.

        ``correlations`` are the prior's; ``edges`` are partial ones, that is, given all other components and
        the conditions; ``informative`` is the share of a direction's variance that a design explains.
        """
        precision = self.field.precision.double()
        covariance = FullGaussian.of_precision(precision, torch.zeros_like(precision[0])).covariance()
        names = self.spec.component_names
        nodes = self.field.nodes[-len(names) :]
        pairs = [
            (f"{names[i]} - {names[j]}", nodes[i], nodes[j]) for i, j in combinations(range(len(names)), 2)
        ]
        shares = self.informative.tolist()
        return {
            "correlations": {pair: canonical_correlations(covariance, *of) for pair, *of in pairs},
            "edges": {pair: canonical_correlations(precision, *of) for pair, *of in pairs},
            "informative": shares,
            "active_directions": sum(share > 0.5 for share in shares),
        }

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Draw the latents of all components together; see :meth:`GenerativeModel.sample`. Serves every mode.

        Guidance does not apply: nothing is denoised, and conditions act by exact conditioning of the prior.
        """
        evidence = Evidence.of_request(request, self.spec, self.device)
        context = self.condition.asked(request)
        field = self._asked(request)
        if request.given is None:
            logits = self._logits(field, context, rng)
        else:
            messages = self.messages(self.encoder(evidence.values, context))
            logits = self._completed(field, messages, evidence, context, rng)
        return self.head.decide(logits, evidence)

    def _logits(self, field: InformationForm, context: Tensor, rng: torch.Generator) -> Tensor:
        """Of designs whose latents are drawn from the field."""
        return self.head.of_components(self._decode(self._latents(field).draw(rng), context))

    def _completed(
        self,
        field: InformationForm,
        messages: Messages,
        evidence: Evidence,
        context: Tensor,
        rng: torch.Generator,
    ) -> Tensor:
        """Logits of designs that agree with the given components.

        An encoder's message is a Gaussian approximation: of several draws one is taken with a probability in
        proportion to its exact likelihood of the given components (sampling importance resampling).
        """
        drawn = [
            self._logits(self._given(field, messages, evidence.given, rng), context, rng)
            for _ in range(self.candidates)
        ]
        return resampled(drawn, [-self.head.nll_of_given(logits, evidence) for logits in drawn], rng)

    def _asked(self, request: SampleRequest) -> InformationForm:
        """The fitted field under the conditions of a request, one for each design."""
        if request.conditions is not None:
            return self._under(self.field.fitted(), request.conditions)
        anything = torch.zeros(request.count, self.spec.condition_width, device=self.device)
        dropped = torch.ones(request.count, dtype=torch.bool, device=self.device)
        return self._under(self.field.fitted(), anything, dropped)

    def _given(
        self, field: InformationForm, messages: Messages, given: Tensor, rng: torch.Generator
    ) -> InformationForm:
        """The field given some components, (B, C) flags.

        The paper's: a draw of each one's posterior is taken for its latent, which over many draws integrates
        the conditional of the prior over that posterior.
        """
        if not self.paper:
            return self._seen(field, messages, given)
        return field.fix(self._behind(messages.draw(rng)), self._behind(self._latents_of(given)))
