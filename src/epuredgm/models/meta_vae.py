"""Meta-VAE: a VAE per component, trained alone and then frozen, and a VAE over their latents.

Each component's own VAE learns what that component can look like; the meta VAE learns which components belong
together, as a problem of a few dozen numbers instead of pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.embedding import ConditionEmbedding, random_drop
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.gaussian import DiagonalGaussian, FullGaussian
from epuredgm.nn.heads import IndependentHead, head_for
from epuredgm.nn.latent_prior import LatentPrior
from epuredgm.nn.layers import DecoderLayers, EncoderLayers
from epuredgm.nn.marginal import Marginal
from epuredgm.nn.mlp import Perceptron
from epuredgm.nn.units import UnitUse

SUBSETS = 4  # of given components, tried on each design of a batch: encoding it costs more than they do
BATCHES_THAT_TELL = 32  # of train designs, for statistics that people read


class MetaVAE(GenerativeModel):
    """Two-level VAE: p(zeta) prod_i p(z_i | zeta, c) p(x_i | z_i), with the last factors learned first.

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.meta_vae`.
    """

    parts_kl: Tensor

    def __init__(
        self,
        spec: DataSpec,
        *,
        fidelity: str,
        latent: int,
        encoder: EncoderLayers,
        decoder: DecoderLayers,
        meta_latent: int,
        meta_width: int,
        meta_blocks: int,
        context: int,
        condition_dropout: float,
        kl_warmup: float,
        marginal_kl: float,
        prior_components: int,
        prior_iterations: int,
        temperature: float,
    ) -> None:
        super().__init__(spec)
        self.paper = fidelity == "paper"
        self.latent, self.meta_latent = latent, meta_latent
        self.head, self.apart = head_for(spec), IndependentHead(spec.channels)
        self.marginals = nn.ModuleList(
            Marginal(spec.size, latent, context=context, encoder=encoder, decoder=decoder)
            for _ in range(spec.channels)
        )
        perceptron = partial(Perceptron, context=context, width=meta_width, blocks=meta_blocks)
        codes = spec.channels * latent
        self.condition = ConditionEmbedding(spec.condition_width, context)
        self.posterior = perceptron(codes, 2 * meta_latent)
        self.partial = perceptron(codes + spec.channels, FullGaussian.parameters(meta_latent))
        self.parts = perceptron(meta_latent, 2 * codes)
        self.prior = LatentPrior(prior_components, meta_latent, spec.condition_width)
        self.units = UnitUse(meta_latent)
        self.register_buffer("parts_kl", torch.zeros(spec.channels))
        self.condition_dropout, self.kl_warmup, self.marginal_kl = condition_dropout, kl_warmup, marginal_kl
        self.prior_iterations, self.temperature = prior_iterations, temperature

    def phases(self) -> Sequence[Phase]:
        """A phase per component, which trains that component's VAE only, then the meta VAE on top of them."""
        marginals = [self._marginal_phase(k, marginal) for k, marginal in enumerate(self._each())]
        modules = (self.condition, self.posterior, self.partial, self.parts)
        update = Update("meta", modules, self.loss)
        return [*marginals, Phase("meta", (update,), self.validate, finish=self.finish)]

    def _each(self) -> Iterator[Marginal]:
        """The components' VAEs, in order."""
        for marginal in self.marginals:
            assert isinstance(marginal, Marginal)
            yield marginal

    def _marginal_phase(self, k: int, marginal: Marginal) -> Phase:
        """The training of component ``k``'s VAE, which sees nothing else of a design."""

        def loss(batch: Batch, progress: Progress) -> LossTerms:
            return marginal.elbo(batch.images[:, k], self.marginal_kl * self._warmth(progress), progress.rng)

        def validate(batch: Batch, progress: Progress) -> LossTerms:
            return marginal.elbo(batch.images[:, k], self.marginal_kl, progress.rng)

        def finish(batches: Iterable[Batch], progress: Progress) -> None:
            some = islice(batches, BATCHES_THAT_TELL)
            marginal.units.record(marginal.encode(batch.images[:, k]) for batch in some)

        name = f"marginal/{self.spec.component_names[k]}"
        return Phase(name, (Update("vae", (marginal,), loss),), validate, finish=finish)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """The meta VAE's negative ELBO, its KL weighted by the warm-up, and the matching for inpainting."""
        return self._terms(batch, progress.rng, self._warmth(progress))

    def validate(self, batch: Batch, progress: Progress) -> LossTerms:
        """As :meth:`loss` with the whole KL, so that epochs compare."""
        return self._terms(batch, progress.rng, 1.0)

    def _warmth(self, progress: Progress) -> float:
        return min(1.0, progress.share / max(self.kl_warmup, 1e-9))

    def _terms(self, batch: Batch, rng: torch.Generator, beta: float) -> LossTerms:
        codes = self.encode(batch.images)
        dropped = random_drop(len(batch.images), self.condition_dropout, rng)
        context = self.condition(batch.conditions, dropped)
        posterior = self.whole_posterior(codes, context)
        parts = self.parts_of(posterior.draw(rng), context)
        if self.paper:
            reconstruction = self.apart.nll(self.decode(parts.mean), batch.images).mean()
        else:
            reconstruction = codes.kl_to(parts).sum(1).mean()
        kl = posterior.kl_to_standard().mean()
        matching = self._matching(codes, posterior.detach(), context, rng)
        loss = reconstruction + beta * kl + matching
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl, "matching": matching}

    def _matching(
        self, codes: DiagonalGaussian, posterior: DiagonalGaussian, context: Tensor, rng: torch.Generator
    ) -> Tensor:
        """KL(q(zeta | all) || q(zeta | some)) in nats, averaged over designs and several subsets of each."""
        codes, posterior = codes.repeat(SUBSETS), posterior.repeat(SUBSETS)
        given = random_given(len(codes.mean), self.spec.channels, 1.0, rng)
        return self.partial_posterior(codes, given, context.repeat(SUBSETS, 1)).kl_from(posterior).mean()

    @torch.no_grad()
    def encode(self, images: Tensor) -> DiagonalGaussian:
        """The frozen posteriors of the components of (B, C, H, W) images: (B, C, D), without gradient."""
        encoded = [marginal.encode(images[:, k]) for k, marginal in enumerate(self._each())]
        return DiagonalGaussian.stack(encoded)

    def decode(self, z: Tensor) -> Tensor:
        """A logit map of each component from (B, C, D) latents: (B, C, H, W)."""
        decoded = [marginal.decode(z[:, k]) for k, marginal in enumerate(self._each())]
        return torch.stack(decoded, dim=1)

    def whole_posterior(self, codes: DiagonalGaussian, context: Tensor) -> DiagonalGaussian:
        """q(zeta | all components, c) from (B, C, D) codes and (B, context)."""
        return DiagonalGaussian.of(self.posterior(codes.mean.flatten(1), context))

    def partial_posterior(self, codes: DiagonalGaussian, given: Tensor, context: Tensor) -> FullGaussian:
        """q(zeta | given components, c) from (B, C, D) codes, (B, C) flags and (B, context)."""
        seen = codes.mean.masked_fill(~given[:, :, None], 0.0).flatten(1)
        inputs = torch.cat([seen, given.to(seen.dtype)], dim=1)
        return FullGaussian.of(self.partial(inputs, context), self.meta_latent)

    def parts_of(self, zeta: Tensor, context: Tensor) -> DiagonalGaussian:
        """p(z_i | zeta, c) for each component: (B, meta_latent) and (B, context) -> (B, C, D)."""
        outputs = self.parts(zeta, context)
        return DiagonalGaussian.of(outputs.unflatten(1, (self.spec.channels, 2 * self.latent)))

    def finish(self, batches: Iterable[Batch], progress: Progress) -> None:
        """Take statistics and, unless ``paper``, refit the prior to draws of (zeta, conditions)."""
        posteriors, divergences, encoded = [], [], []
        for batch in batches:
            codes, context = self.encode(batch.images), self.condition(batch.conditions)
            posterior = self.whole_posterior(codes, context)
            zeta = posterior.draw(progress.rng)
            posteriors.append(posterior)
            divergences.append(codes.kl_to(self.parts_of(zeta, context)))
            encoded.append((zeta, batch.conditions))
        self.units.record(posteriors)
        self.parts_kl.copy_(torch.cat(divergences).mean(0))
        if not self.paper:
            self.prior.fit(encoded, progress.rng, self.prior_iterations)

    def learned(self) -> Mapping[str, Any]:
        """Units in use at both levels; nats of each component's code that the meta VAE does not predict."""
        names = self.spec.component_names
        unpredicted = (round(float(kl), 4) for kl in self.parts_kl)
        return {
            "components": {n: m.units.describe() for n, m in zip(names, self._each(), strict=True)},
            "meta": self.units.describe(),
            "unpredicted_kl": dict(zip(names, unpredicted, strict=True)),
        }

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Draw zeta, the components' latents from it, decode them; see :meth:`GenerativeModel.sample`.

        Serves every mode. Guidance does not apply: nothing is denoised.
        """
        evidence = Evidence.of_request(request, self.spec, self.device)
        if request.given is not None:
            context = self.condition.asked(request)
            codes = self.encode(evidence.values)
            zeta = self.partial_posterior(codes, evidence.given, context).draw(rng)
        elif self.paper:
            context = self.condition.asked(request)
            zeta = torch.randn(request.count, self.meta_latent, generator=rng, device=self.device)
        else:
            zeta, conditions = self.prior.asked(request, rng)
            context = self.condition(conditions)
        parts = self.parts_of(zeta, context)
        z = parts.mean if self.paper else parts.draw(rng, self.temperature)
        return self.head.decide(self.head.of_marginals(self.decode(z)), evidence)
