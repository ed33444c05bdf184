"""VQ-VAE: components become tokens, a causal transformer learns which tokens go together.

Every component has tokens of its own and one decoder sees those of all, so that to complete a design is to go
on with a sequence that the given components begin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.coder import Decoder
from epuredgm.nn.embedding import ConditionEmbedding, random_drop
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.heads import head_for
from epuredgm.nn.layers import DecoderLayers, EncoderLayers
from epuredgm.nn.quantisers import Codebook, FiniteScalars, Quantiser
from epuredgm.nn.token_prior import Choice, TokenPrior, given_first
from epuredgm.nn.tokeniser import Tokeniser


class VQVAE(GenerativeModel):
    """Vector-quantised autoencoder (van den Oord et al. 2017) with finite scalars and a transformer prior.

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.vqvae`.
    """

    usage: Tensor

    def __init__(
        self,
        spec: DataSpec,
        *,
        fidelity: str,
        levels: Sequence[int],
        tokens: int,
        code_width: int,
        code_decay: float,
        commitment: float,
        encoder: EncoderLayers,
        decoder: DecoderLayers,
        context: int,
        decoder_dropout: float,
        prior_width: int,
        prior_layers: int,
        prior_heads: int,
        condition_dropout: float,
        given_share: float,
        temperature: float,
        top_p: float,
    ) -> None:
        super().__init__(spec)
        published = fidelity == "paper"
        quantiser: Quantiser = (
            Codebook(math.prod(levels), code_width, code_decay) if published else FiniteScalars(levels)
        )
        self.commitment = commitment if published else 0.0
        self.head = head_for(spec)
        self.tokeniser = Tokeniser(spec, quantiser, tokens, context=context, layers=encoder)
        self.condition = ConditionEmbedding(spec.condition_width, context)
        design = spec.channels * tokens * quantiser.width
        self.mix = nn.Sequential(nn.Linear(design + context, context), nn.SiLU(), nn.Linear(context, context))
        self.decoder = Decoder(spec.size, self.head.channels, spec.channels, context=context, layers=decoder)
        self.prior = TokenPrior(
            spec.channels,
            tokens,
            quantiser.codes,
            spec.condition_width,
            width=prior_width,
            layers=prior_layers,
            heads=prior_heads,
        )
        self.register_buffer("usage", torch.zeros(spec.channels, quantiser.codes))
        self.decoder_dropout, self.condition_dropout = decoder_dropout, condition_dropout
        self.given_share = given_share
        self.choice = Choice(temperature, top_p)

    def phases(self) -> Sequence[Phase]:
        """First the autoencoder; then, on its frozen codes, the prior."""
        vq = Update("vq", (self.tokeniser, self.condition, self.mix, self.decoder), self.autoencode)
        prior = Update("prior", (self.prior,), self.predict)
        return (
            Phase("autoencoder", (vq,), self.autoencode, finish=self.count_codes),
            Phase("prior", (prior,), self.predict),
        )

    def autoencode(self, batch: Batch, progress: Progress) -> LossTerms:
        """Negative log likelihood of the hidden components given the tokens; in ``paper``, commitment too."""
        images, rng = batch.images, progress.rng
        tokens = self.tokeniser(images, rng)
        evidence = Evidence.of(images, random_given(len(images), self.spec.channels, self.given_share, rng))
        dropped = random_drop(len(images), self.decoder_dropout, rng)
        logits = self.decode(tokens.values, self.condition(batch.conditions, dropped), evidence)
        reconstruction = self.head.nll(logits, images, evidence).mean()
        distance = tokens.distance.sum((1, 2)).mean()
        loss = reconstruction + self.commitment * distance
        return {"loss": loss, "reconstruction": reconstruction, "distance": distance}

    def decode(self, values: Tensor, condition: Tensor, evidence: Evidence) -> Tensor:
        """Logits of the designs of quantised tokens (B, C, T, D).

        Args:
            values: of the tokens.
            condition: (B, context), embedded.
            evidence: the known components to the pixel, which tokens are too coarse for.
        """
        return self.decoder(self.mix(torch.cat([values.flatten(1), condition], dim=1)), evidence.values)

    def predict(self, batch: Batch, progress: Progress) -> LossTerms:
        """Negative log likelihood of the tokens, the given components' first."""
        count, channels = batch.images.shape[:2]
        with torch.no_grad():
            codes = self.tokeniser(batch.images).indices
        order = given_first(random_given(count, channels, self.given_share, progress.rng))
        dropped = random_drop(count, self.condition_dropout, progress.rng)
        condition = self.prior.condition(batch.conditions, dropped)
        return {"loss": self.prior.nll(codes, order, condition).mean()}

    def count_codes(self, batches: Iterable[Batch], progress: Progress) -> None:
        """How often each component uses each code, over the train designs."""
        channels, codes = self.usage.shape
        offsets = codes * torch.arange(channels, device=self.device)[:, None]
        self.usage.zero_()
        for batch in batches:
            used = self.tokeniser(batch.images).indices + offsets
            self.usage += torch.bincount(used.flatten(), minlength=self.usage.numel()).view_as(self.usage)

    def learned(self) -> Mapping[str, Any]:
        """How many codes each component uses, and their perplexity: how many, used alike, tell as much."""
        shares = self.usage.double() / self.usage.sum(1, keepdim=True).clamp_min(1).double()
        perplexity = torch.special.entr(shares).sum(1).exp().tolist()
        used = (self.usage > 0).sum(1).tolist()
        names = self.spec.component_names
        return {
            "codes": self.usage.shape[1],
            "codes_used": dict(zip(names, used, strict=True)),
            "perplexity": dict(zip(names, perplexity, strict=True)),
        }

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Draw tokens and decode them; see :meth:`GenerativeModel.sample`. Serves every mode."""
        evidence = Evidence.of_request(request, self.spec, self.device)
        known = self.tokeniser(evidence.values).indices
        codes = self.prior.draw(known, evidence.given, request, self.choice, rng)
        values = self.tokeniser.quantiser.values_of(codes)
        return self.head.decide(self.decode(values, self.condition.asked(request), evidence), evidence)
