"""Wasserstein GAN with gradient penalty whose networks know the conditions and the known components.

The generator draws a design from a latent vector in one pass. The critic scores whole designs, with the given
components in their place: so the generator learns to complete designs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.coder import Decoder, Encoder
from epuredgm.nn.critic import Critic, Told
from epuredgm.nn.embedding import ConditionEmbedding, random_drop
from epuredgm.nn.energy import energy_distance, energy_score
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.gradient_penalty import gradient_penalty
from epuredgm.nn.heads import head_for
from epuredgm.nn.layers import DecoderLayers, EncoderLayers
from epuredgm.nn.mixture import GaussianMixture

MEASURED = 8  # train batches whose spread is compared with that of as many draws


class Generator(nn.Module):
    """Latent, condition and known components -> logits of a design.

    The latent vector, the condition and what an encoder sees of the known components become one vector, from
    which a decoder draws; its finest level sees the known components themselves, since neighbours touch.

    Args:
        spec: the data set.
        channels: logits per pixel.
        latent: width of the latent vector.
        context: width of the vector that the blocks see.
        encoder, decoder: sizes of the networks.
    """

    def __init__(
        self,
        spec: DataSpec,
        channels: int,
        latent: int,
        context: int,
        *,
        encoder: EncoderLayers,
        decoder: DecoderLayers,
    ) -> None:
        super().__init__()
        self.condition = ConditionEmbedding(spec.condition_width, context)
        known = spec.channels
        self.encoder = Encoder(spec.size, known, known, context=context, layers=encoder)
        self.mix = nn.Sequential(
            nn.Linear(latent + encoder.features + context, context),
            nn.LayerNorm(context),  # else the latent is faint beside the biases, and all designs are alike
            nn.SiLU(),
            nn.Linear(context, context),
            nn.LayerNorm(context),
        )
        self.decoder = Decoder(spec.size, channels, known, context=context, layers=decoder)

    def forward(self, z: Tensor, condition: Tensor, evidence: Evidence) -> Tensor:
        """(B, latent), (B, context) and the known components -> (B, channels, H, W)."""
        seen = self.encoder(evidence.values, condition, evidence.given)
        return self.decoder(self.mix(torch.cat([z, seen, condition], dim=1)), evidence.values)


class WGANGP(GenerativeModel):
    """WGAN-GP (Gulrajani et al. 2017) with a projection critic and evidence in both networks.

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.wgan_gp`.
    """

    spread: Tensor

    def __init__(
        self,
        spec: DataSpec,
        *,
        latent: int,
        context: int,
        normalised: bool,
        encoder: EncoderLayers,
        decoder: DecoderLayers,
        critic: EncoderLayers,
        condition_dropout: float,
        given_share: float,
        penalty: float,
        penalty_every: int,
        adherence: float,
        energy: float,
        prior_components: int,
        prior_iterations: int,
        fidelity: str,
    ) -> None:
        super().__init__(spec)
        self.published = published = fidelity == "paper"
        self.latent = latent
        self.head = head_for(spec)
        self.generator = Generator(
            spec, self.head.channels, latent, context, encoder=encoder, decoder=decoder
        )
        self.critic = Critic(spec, published=published, context=context, layers=critic, normalised=normalised)
        self.prior = GaussianMixture(prior_components, spec.condition_width) if spec.conditions else None
        self.register_buffer("spread", torch.ones(2))
        self.condition_dropout, self.given_share = condition_dropout, given_share
        self.penalty, self.penalty_every = penalty, 1 if published else penalty_every
        self.adherence, self.energy = (0.0, 0.0) if published else (adherence, energy)
        self.prior_iterations = prior_iterations

    def phases(self) -> Sequence[Phase]:
        """One phase of two updates; at its end the prior of the conditions is fitted."""
        critic = Update("critic", (self.critic,), self.critic_loss)
        generator = Update("generator", (self.generator,), self.generator_loss)
        return (Phase("adversarial", (critic, generator), self.validate, finish=self.finish),)

    def critic_loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """The gap between the scores of real and generated designs, and the penalty of its slope."""
        told = self._tell(batch, progress.rng)
        with torch.no_grad():
            fake = self._imitate(told, progress.rng)
        on_real, features = self.critic(batch.images, told)
        on_fake, _ = self.critic(fake, told)
        terms = {
            "gap": (on_real - on_fake).mean(),
            "misreading": self.critic.misreading(features, batch.conditions).mean(),
        }
        loss = self.adherence * terms["misreading"] - terms["gap"]
        if progress.step % self.penalty_every == 0:
            terms["penalty"] = gradient_penalty(
                lambda x: self.critic(told.evidence.paste(x), told)[0], batch.images, fake, progress.rng
            ).mean()
            loss = loss + self.penalty * self.penalty_every * terms["penalty"]
        return {"loss": loss, **terms}

    def generator_loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """The negative score of two draws for each design, and their distance to it."""
        told = self._tell(batch, progress.rng)
        both = told.twice()
        score, features = self.critic(self._imitate(both, progress.rng), both)
        adversarial = -score.mean()
        if self.published:
            return {"loss": adversarial}
        with torch.no_grad():
            _, real = self.critic(batch.images, told)
        energy = energy_score(real, *features.chunk(2)).mean()
        misread = self.critic.misreading(features, both.conditions).masked_fill(both.dropped, 0.0).mean()
        loss = adversarial + self.energy * energy + self.adherence * misread
        return {"loss": loss, "adversarial": adversarial, "energy": energy, "misreading": misread}

    @torch.no_grad()
    def validate(self, batch: Batch, progress: Progress) -> LossTerms:
        """Energy distance between designs and as many draws; the critic's gap says little of quality."""
        count, channels = batch.images.shape[:2]
        nothing = Evidence.none((count, channels, *self.spec.size), self.device)
        told = Told(batch.conditions, torch.zeros_like(nothing.given[:, 0]), nothing)
        fake = self._imitate(told, progress.rng)
        gap = self.critic(batch.images, told)[0].mean() - self.critic(fake, told)[0].mean()
        return {"loss": energy_distance(batch.images.flatten(1), fake.flatten(1)), "gap": gap}

    def _tell(self, batch: Batch, rng: torch.Generator) -> Told:
        """Random components known, random conditions dropped."""
        count, channels = batch.images.shape[:2]
        evidence = Evidence.of(batch.images, random_given(count, channels, self.given_share, rng))
        return Told(batch.conditions, random_drop(count, self.condition_dropout, rng), evidence)

    def _imitate(self, told: Told, rng: torch.Generator) -> Tensor:
        """A design for each, as probabilities, the given components in their place: (B, C, H, W)."""
        condition = self.generator.condition(told.conditions, told.dropped)
        return self.head.expectation(self._logits(condition, told.evidence, rng), told.evidence)

    def _logits(self, condition: Tensor, evidence: Evidence, rng: torch.Generator) -> Tensor:
        z = torch.randn(len(condition), self.latent, generator=rng, device=condition.device)
        return self.generator(z, condition, evidence)

    def finish(self, batches: Iterable[Batch], progress: Progress) -> None:
        """Fit the prior of the conditions; measure how far generated designs spread, beside real ones."""
        batches = iter(batches)
        first = list(islice(batches, MEASURED))
        conditions = [batch.conditions for batch in first] + [batch.conditions for batch in batches]
        if self.prior is not None:
            self.prior.fit(torch.cat(conditions), progress.rng, self.prior_iterations)
        drawn = [self.sample(SampleRequest(len(batch.images)), progress.rng) for batch in first]
        real = [batch.images for batch in first]
        self.spread.copy_(torch.stack([torch.cat(part).var(0, correction=0).sum() for part in (real, drawn)]))

    def learned(self) -> Mapping[str, Any]:
        """Pixel variance of unconditional draws over that of train designs: near 0 where modes are lost."""
        real, drawn = self.spread.tolist()
        return {"spread_of_draws": drawn / max(real, 1e-12)}

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """One pass of the generator; see :meth:`GenerativeModel.sample`. Serves every mode.

        Unconditional draws first draw their conditions. Guidance does not apply: nothing is denoised.
        """
        evidence = Evidence.of_request(request, self.spec, self.device)
        if request.conditions is None and request.known is None and self.prior is not None:
            condition = self.generator.condition(self.prior.draw(request.count, rng))
        else:
            condition = self.generator.condition.asked(request)
        return self.head.decide(self._logits(condition, evidence, rng), evidence)
