"""Variational autoencoder whose prior is refitted to what it encodes, and whose inpainting is learned.

Three densities share one latent space: the posterior of a whole design (diagonal), the posterior given some
components only (full covariance, matched to the first one), and a mixture over latents and conditions
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.coder import Decoder, Encoder
from epuredgm.nn.embedding import ConditionEmbedding, random_drop
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.gaussian import DiagonalGaussian, FullGaussian
from epuredgm.nn.heads import head_for
from epuredgm.nn.latent_prior import LatentPrior
from epuredgm.nn.layers import DecoderLayers, EncoderLayers


class VAE(GenerativeModel):
    """Conditional VAE (Kingma & Welling 2014) with a partial posterior for inpainting and a mixture prior.

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.vae`.
    """

    def __init__(
        self,
        spec: DataSpec,
        *,
        latent: int,
        encoder: EncoderLayers,
        decoder: DecoderLayers,
        context: int,
        fidelity: str,
        condition_dropout: float,
        kl_warmup: float,
        prior_components: int,
        prior_iterations: int,
    ) -> None:
        super().__init__(spec)
        self.paper = fidelity == "paper"
        self.latent = latent
        self.head = head_for(spec)
        self.condition = ConditionEmbedding(spec.condition_width, context)
        self.encoder = Encoder(spec.size, spec.channels, spec.channels, context=context, layers=encoder)
        self.posterior = nn.Linear(encoder.features, 2 * latent)
        self.partial = nn.Linear(encoder.features, FullGaussian.parameters(latent))
        self.mix = nn.Sequential(nn.Linear(latent + context, context), nn.SiLU(), nn.Linear(context, context))
        self.decoder = Decoder(spec.size, self.head.channels, context=context, layers=decoder)
        self.prior = LatentPrior(prior_components, latent, spec.condition_width)
        self.condition_dropout, self.kl_warmup = condition_dropout, kl_warmup
        self.prior_iterations = prior_iterations

    def phases(self) -> Sequence[Phase]:
        """One phase, one update; at its end the prior is refitted."""
        modules = (self.condition, self.encoder, self.posterior, self.partial, self.mix, self.decoder)
        update = Update("all", modules, self.loss)
        return (Phase("main", (update,), self.validate, finish=self.refit_prior),)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """The negative ELBO, its KL weighted by the warm-up, and the matching of the partial posterior."""
        return self._terms(batch, progress.rng, min(1.0, progress.share / max(self.kl_warmup, 1e-9)))

    def validate(self, batch: Batch, progress: Progress) -> LossTerms:
        """As :meth:`loss` with the whole KL, so that epochs compare."""
        return self._terms(batch, progress.rng, 1.0)

    def _terms(self, batch: Batch, rng: torch.Generator, beta: float) -> LossTerms:
        count, channels = batch.images.shape[:2]
        context = self.condition(batch.conditions, random_drop(count, self.condition_dropout, rng))
        whole = Evidence.whole(batch.images)
        half = (count + 1) // 2  # is enough for the partial posterior, and saves a quarter of a step
        some = Evidence.of(batch.images[:half], random_given(half, channels, 1.0, rng))
        both = Evidence(torch.cat([whole.values, some.values]), torch.cat([whole.given, some.given]))
        features = self.encoder(both.values, torch.cat([context, context[:half]]), both.given)
        posterior = DiagonalGaussian.of(self.posterior(features[:count]))
        partial = FullGaussian.of(self.partial(features[count:]), self.latent)
        reconstruction = self.head.nll(self.decode(posterior.draw(rng), context), batch.images).mean()
        kl = posterior.kl_to_standard().mean()
        matching = partial.kl_from(posterior.detach().rows(half)).mean()
        loss = reconstruction + beta * kl + matching
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl, "matching": matching}

    def decode(self, z: Tensor, context: Tensor) -> Tensor:
        """Logits of the designs of latents (B, D) under embedded conditions (B, context)."""
        return self.decoder(self.mix(torch.cat([z, context], dim=1)))

    def refit_prior(self, batches: Iterable[Batch], progress: Progress) -> None:
        """Fit the mixture to a posterior draw of each train design and its conditions, unless ``paper``."""
        if not self.paper:
            self.prior.fit(self._encoded(batches, progress.rng), progress.rng, self.prior_iterations)

    def _encoded(self, batches: Iterable[Batch], rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        for batch in batches:
            whole = Evidence.whole(batch.images)
            features = self.encoder(whole.values, self.condition(batch.conditions), whole.given)
            yield DiagonalGaussian.of(self.posterior(features)).draw(rng), batch.conditions

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Draw a latent and decode it; see :meth:`GenerativeModel.sample`. Serves every mode.

        Guidance does not apply: nothing is denoised, and conditions act by exact conditioning of the prior.
        """
        if request.known is not None and request.given is not None:
            evidence = Evidence.of(request.known, request.given)
            return self._complete(request, evidence, rng)
        if self.paper:
            z = torch.randn(request.count, self.latent, generator=rng, device=self.device)
            return self.head.decide(self.decode(z, self.condition.asked(request)))
        z, conditions = self.prior.asked(request, rng)
        return self.head.decide(self.decode(z, self.condition(conditions)))

    def _complete(self, request: SampleRequest, evidence: Evidence, rng: torch.Generator) -> Tensor:
        """Draw from the partial posterior of the evidence."""
        context = self.condition.asked(request)
        partial = FullGaussian.of(
            self.partial(self.encoder(evidence.values, context, evidence.given)), self.latent
        )
        return self.head.decide(self.decode(partial.draw(rng), context), evidence)
