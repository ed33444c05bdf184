"""MMVAE+: what the components share in one latent, what each has for itself in another.

A design is decoded from the shared code of any *source*: one component alone, or all of them. Only the
source's own private code comes with it; those of the others are drawn from learned auxiliary priors, which
know nothing of the design, so that what components have in common must be in the shared code.

Sizes: E experts (each component, then the whole design), S sources, K draws, B designs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.bank import ComponentDecoder, ComponentEncoder
from epuredgm.nn.codes import Codes
from epuredgm.nn.embedding import ConditionEmbedding, random_drop
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.experts import Posterior, choose_sources, mapped, of_sources
from epuredgm.nn.gaussian import DiagonalGaussian
from epuredgm.nn.heads import LaplaceHead, head_for
from epuredgm.nn.importance import BOUNDS, reparameterise_twice
from epuredgm.nn.laplace import DiagonalLaplace
from epuredgm.nn.layers import DecoderLayers, EncoderLayers
from epuredgm.nn.mixture import GaussianMixture

PAPER_BETA = 2.5  # for PolyMNIST (Palumbo et al. 2023)
PAPER_SCALE = 0.75  # of the Laplace likelihood
ACTIVE = 0.01  # variance of a posterior mean from which a latent counts as used (Burda et al. 2016)


class MMVAEPlus(GenerativeModel):
    """Mixture-of-experts multimodal VAE with shared and private latents (Palumbo et al. 2023).

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.mmvaeplus`.
    """

    shares: Tensor
    divergences: Tensor
    active: Tensor

    def __init__(
        self,
        spec: DataSpec,
        *,
        fidelity: str,
        shared: int,
        private: int,
        objective: str,
        draws: int,
        sources: str,
        whole_share: float,
        encoder: EncoderLayers,
        decoder: DecoderLayers,
        context: int,
        condition_dropout: float,
        prior_components: int,
        prior_iterations: int,
        beta: float,
        kl_warmup: float,
    ) -> None:
        super().__init__(spec)
        self.as_published = fidelity == "paper"
        if self.as_published:
            sources, beta, kl_warmup = "all", PAPER_BETA, 0.0
        self.family = DiagonalLaplace if self.as_published else DiagonalGaussian
        self.head = (
            LaplaceHead(spec.channels, spec.exclusive, PAPER_SCALE) if self.as_published else head_for(spec)
        )
        self.objective, self.draws_per_source, self.sources = objective, draws, sources
        self.widths = shared, private
        self.beta, self.kl_warmup, self.condition_dropout = beta, kl_warmup, condition_dropout
        self.prior_iterations = prior_iterations
        self.condition = ConditionEmbedding(spec.condition_width, context)
        self.encoder = ComponentEncoder(spec, context=context, layers=encoder)
        self.to_shared = nn.Linear(encoder.features, 2 * shared)
        self.to_private = nn.Linear(encoder.features, 2 * private)
        self.to_whole = None if self.as_published else nn.Linear(spec.channels * encoder.features, 2 * shared)
        self.auxiliary = nn.Parameter(torch.zeros(spec.channels, private))  # raw scales of r
        self.decoder = ComponentDecoder(spec, shared + private, context=context, layers=decoder)
        shares = [] if self.as_published else [whole_share]
        singles = [(1 - sum(shares)) / spec.channels] * spec.channels
        self.register_buffer("shares", torch.tensor(singles + shares), persistent=False)
        width = shared * (1 + spec.channels) + spec.condition_width
        self.prior = GaussianMixture(prior_components, width)
        self.register_buffer("divergences", torch.zeros(len(self.shares) + spec.channels))
        self.register_buffer("active", torch.zeros(len(self.shares) + spec.channels))

    def phases(self) -> Sequence[Phase]:
        """One phase, one update; at its end the prior is refitted."""
        return (Phase("main", (Update("all", (self,), self.loss),), self.validate, finish=self.refit_prior),)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """The negative bound, the latents' densities weighted by the warm-up."""
        warmth = min(1.0, progress.share / self.kl_warmup) if self.kl_warmup else 1.0
        return self._terms(batch, progress.rng, self.beta * warmth)

    def validate(self, batch: Batch, progress: Progress) -> LossTerms:
        """As :meth:`loss` with the whole beta, so that epochs compare."""
        return self._terms(batch, progress.rng, self.beta)

    def _terms(self, batch: Batch, rng: torch.Generator, beta: float) -> LossTerms:
        dropped = random_drop(len(batch.images), self.condition_dropout, rng)
        context = self.condition(batch.conditions, dropped)
        shared, private = self.encode(batch.images)
        codes, counts = self.draw_codes(shared, private, rng)
        likelihood = self.log_likelihood(codes, batch.images, context)
        if self.objective == "dreg":
            shared, private = shared.detach(), private.detach()
        densities = self.log_densities(codes, shared, private)
        log_weights = likelihood + beta * densities
        if self.objective == "dreg":
            reparameterise_twice(log_weights, (codes.shared, codes.own))

        def mean(values: Tensor) -> Tensor:
            return (values * counts[:, None]).sum(0).mean()

        return {
            "loss": -mean(BOUNDS[self.objective](log_weights)),
            "reconstruction": -mean(likelihood.mean(1)),
            "kl": -mean(densities.mean(1)),
        }

    def encode(self, images: Tensor) -> tuple[Posterior, Posterior]:
        """(B, C, H, W) -> the experts of the shared code, (E, B, Dz), and private posteriors, (C, B, Dw)."""
        context = images.new_zeros(len(images), self.decoder.names.vectors.shape[1])
        features = self.encoder(images, context)
        shared = self.to_shared(features).transpose(0, 1)
        if self.to_whole is not None:
            shared = torch.cat([shared, self.to_whole(features.flatten(1))[None]])
        return self.family.of(shared), self.family.of(self.to_private(features).transpose(0, 1))

    def auxiliary_priors(self) -> Posterior:
        """r_n(w): centred, with a learned scale; (C, Dw)."""
        return self.family.of(torch.cat([torch.zeros_like(self.auxiliary), self.auxiliary], dim=1))

    def standard(self, width: int) -> Posterior:
        """p(z) or p(w)."""
        return self.family.of(torch.zeros(2 * width, device=self.device))

    def draw_codes(self, shared: Posterior, private: Posterior, rng: torch.Generator) -> tuple[Codes, Tensor]:
        """Draw sources and latents; with them (S,), what each source counts."""
        sources, counts = choose_sources(self.shares, shared.mean.shape[1], self.sources, rng)
        auxiliary = self.auxiliary_priors()
        return Codes.drawn(sources, shared, private, auxiliary, self.draws_per_source, rng), counts

    def log_likelihood(self, codes: Codes, images: Tensor, context: Tensor) -> Tensor:
        """log p(all components | codes), (S, K, B): every cross term in one pass of the decoder."""
        latents = codes.of_targets()
        folded = latents.flatten(0, 2)
        repeats = len(folded) // len(images)
        logits = self.head.of_components(self.decoder(folded, context.repeat(repeats, 1)))
        return -self.head.nll(logits, images.repeat(repeats, 1, 1, 1)).unflatten(0, latents.shape[:3])

    def log_densities(self, codes: Codes, shared: Posterior, private: Posterior) -> Tensor:
        """log p(z) p(w) / q(z | all experts) q(w | source): (S, K, B)."""
        prior = codes.log_prior(*(self.standard(width) for width in self.widths))
        return prior - codes.log_density(shared, private, self.shares)

    def refit_prior(self, batches: Iterable[Batch], progress: Progress) -> None:
        """Fit a mixture to (shared code of the design, conditions, mean code of each component) of the data.

        It says how designs are distributed, and also what single components tell of them: every mode draws
        from one of its conditionals.
        """
        rows, divergences, means = [], [], []
        for batch in batches:
            shared, private = self.encode(batch.images)
            whole = mapped(shared, lambda part: part[-1]).draw(progress.rng)
            singles = shared.mean[: self.spec.channels].transpose(0, 1)
            rows.append(torch.cat([whole, batch.conditions, singles.flatten(1)], dim=1))
            divergences.append(torch.cat([shared.kl_to_standard(), private.kl_to_standard()]))
            means.append((shared.mean, private.mean))
        self.divergences.copy_(torch.cat(divergences, dim=1).mean(1))
        spreads = [torch.cat(part, dim=1).var(1) for part in zip(*means, strict=True)]
        self.active.copy_(torch.cat([(spread > ACTIVE).sum(1) for spread in spreads]))
        if not self.as_published:
            self.prior.fit(torch.cat(rows), progress.rng, self.prior_iterations)

    def learned(self) -> Mapping[str, Any]:
        """Nats and used latents of each expert and each private code; spreads of the auxiliary priors."""
        experts = len(self.shares)
        return {
            "shared_nats": self.divergences[:experts].tolist(),
            "private_nats": self.divergences[experts:].tolist(),
            "shared_active_units": self.active[:experts].int().tolist(),
            "private_active_units": self.active[experts:].int().tolist(),
            "auxiliary_deviations": self.auxiliary_priors().deviation.tolist(),
        }

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Draw codes and decode them; see :meth:`GenerativeModel.sample`. Serves every mode.

        Guidance does not apply: nothing is denoised, and conditions act by exact conditioning of the prior.
        """
        evidence = Evidence.of_request(request, self.spec, self.device)
        shared, private = self.encode(evidence.values)
        if self.as_published:
            z, context = self._published(shared, evidence.given, rng), self.condition.asked(request)
        else:
            z, conditions = self._refitted(shared, evidence.given, request.conditions, rng)
            context = self.condition(conditions)
        w = self.private_codes(private, evidence.given, rng)
        codes = torch.cat([w, z[:, None].expand(-1, self.spec.channels, -1)], dim=-1)
        return self.head.decide(self.head.of_components(self.decoder(codes, context)), evidence)

    def private_codes(self, private: Posterior, given: Tensor, rng: torch.Generator) -> Tensor:
        """(B, C, Dw): from the posterior for given components, else from r (published: from p(w))."""
        missing = self.standard(self.widths[1]) if self.as_published else self.auxiliary_priors()
        others = mapped(missing, lambda part: part.expand(*given.shape, -1)).draw(rng)
        return torch.where(given[:, :, None], private.draw(rng).transpose(0, 1), others)

    def _published(self, shared: Posterior, given: Tensor, rng: torch.Generator) -> Tensor:
        """Shared codes from the mixture of the given components' experts, or from p(z) if there are none."""
        none = ~given.any(1, keepdim=True)
        expert = torch.multinomial((given | none).float(), 1, generator=rng).T
        z = of_sources(shared, expert).draw(rng)[0]
        anything = mapped(self.standard(self.widths[0]), lambda part: part.expand_as(z)).draw(rng)
        return torch.where(none, anything, z)

    def _refitted(
        self, shared: Posterior, given: Tensor, conditions: Tensor | None, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Shared codes and conditions from the mixture, given what is known of each design."""
        count, channels = given.shape
        wanted, width = self.widths[0], self.spec.condition_width
        blocks = torch.arange(channels * wanted, device=given.device).view(channels, -1) + wanted + width
        free = wanted + (width if conditions is None else 0)
        drawn = torch.empty(count, free, device=given.device)
        for pattern in given.unique(dim=0):
            rows = (given == pattern).all(1)
            tail = shared.mean[:channels].transpose(0, 1)[rows][:, pattern].flatten(1)
            if conditions is not None:
                tail = torch.cat([conditions[rows], tail], dim=1)
            columns = torch.cat(
                [torch.arange(wanted + width, device=given.device), blocks[pattern].flatten()]
            )
            drawn[rows] = self.prior.marginal(columns).draw_given(tail, rng)
        if conditions is None:
            return drawn[:, :wanted], drawn[:, wanted:]
        return drawn, conditions
