"""The prior over the tokens of a design: one by one, component after component, in any order of these.

The given components come first, so that completing a design is going on with a sequence: exact conditioning
without a network of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.interface import SampleRequest
from epuredgm.nn.embedding import ConditionEmbedding
from epuredgm.nn.transformer import CausalTransformer


class Choice(NamedTuple):
    """How a token is drawn from its logits.

    Attributes:
        temperature: the logits are divided by it; 1 is the model's own distribution.
        top_p: only the likeliest codes that together have this probability may be drawn; 1 is all of them.
    """

    temperature: float
    top_p: float

    def draw(self, logits: Tensor, rng: torch.Generator) -> Tensor:
        """(B, codes) -> (B,) int64 (nucleus sampling, Holtzman et al. 2020)."""
        p, codes = (logits.float() / self.temperature).softmax(1).sort(dim=1, descending=True)
        before = p.cumsum(1) - p
        kept = p * (before < self.top_p)
        return codes.gather(1, torch.multinomial(kept, 1, generator=rng))[:, 0]


def given_first(given: Tensor) -> Tensor:
    """(B, C) bool -> (B, C) int64: the components' order in the sequence, given ones before hidden ones."""
    return (~given).int().argsort(dim=1, stable=True)


class TokenPrior(nn.Module):
    """A causal transformer over C components of T tokens each, L = C T in all.

    The input at a position is the token before it and the place (component and position within it) that is to
    be predicted; at the first one it is the embedded condition.

    Args:
        components, tokens, codes: C, T and the number of codes.
        conditions: number of conditions.
        width, layers, heads: of the transformer.
    """

    def __init__(
        self,
        components: int,
        tokens: int,
        codes: int,
        conditions: int,
        *,
        width: int,
        layers: int,
        heads: int,
    ) -> None:
        super().__init__()
        self.tokens = tokens
        self.condition = ConditionEmbedding(conditions, width)
        self.code = nn.Embedding(codes, width)
        self.seen = nn.Embedding(components * tokens, width)
        self.wanted = nn.Embedding(components * tokens, width)
        self.transformer = CausalTransformer(width, layers, heads)
        self.out = nn.Linear(width, codes)
        for table in (self.code, self.seen, self.wanted):
            nn.init.normal_(table.weight, std=0.5)

    def forward(self, codes: Tensor, order: Tensor, condition: Tensor) -> Tensor:
        """Logits of every token given those before it.

        Args:
            codes: (B, C, T) int64.
            order: (B, C) int64, see :func:`given_first`.
            condition: (B, width), embedded.

        Returns:
            (B, L, codes), in the order of the sequence.
        """
        sequence, places = self.sequence(codes, order), self._places(order)
        read = self.code(sequence[:, :-1]) + self.seen(places[:, :-1])
        x = torch.cat([condition[:, None], read + condition[:, None]], dim=1) + self.wanted(places)
        return self.out(self.transformer(x))

    def nll(self, codes: Tensor, order: Tensor, condition: Tensor) -> Tensor:
        """Negative log likelihood of each design's tokens in nats: (B,)."""
        logits = self(codes, order, condition).float()
        losses = functional.cross_entropy(logits.mT, self.sequence(codes, order), reduction="none")
        return losses.sum(1)

    def draw(
        self, codes: Tensor, given: Tensor, request: SampleRequest, choice: Choice, rng: torch.Generator
    ) -> Tensor:
        """Go on where the given components end.

        Args:
            codes: (B, C, T) int64; those of components that are not given have no influence.
            given: (B, C) bool.
            request: whose conditions and guidance hold.
            choice: how tokens are drawn.
            rng: on the model's device.

        Returns:
            (B, C, T) int64, the given ones unchanged.
        """
        order = given_first(given)
        logits = _Stepper(self, order, request)
        sequence = self.sequence(codes, order)
        fixed = given.gather(1, order).repeat_interleave(self.tokens, 1)
        for position in range(sequence.shape[1]):
            drawn = choice.draw(logits(sequence, position), rng)
            sequence[:, position] = torch.where(fixed[:, position], sequence[:, position], drawn)
        back = order.argsort(1)[:, :, None].expand_as(codes)
        return sequence.view_as(codes).gather(1, back)

    def sequence(self, codes: Tensor, order: Tensor) -> Tensor:
        """(B, C, T) -> (B, L): the components' tokens in their order."""
        return codes.gather(1, order[:, :, None].expand_as(codes)).flatten(1)

    def _places(self, order: Tensor) -> Tensor:
        """(B, C) -> (B, L): component and position of each token, as one number."""
        return (order[:, :, None] * self.tokens + torch.arange(self.tokens, device=order.device)).flatten(1)


class _Stepper:
    """Logits position after position, guided: both branches are one batch, if there are two."""

    def __init__(self, prior: TokenPrior, order: Tensor, request: SampleRequest) -> None:
        self.prior = prior
        self.scale = 0.0 if request.conditions is None else request.guidance
        branches = []
        if self.scale != 0.0:
            branches.append(prior.condition.asked(request))
        if self.scale != 1.0:
            branches.append(prior.condition.null(request.count))
        self.branches = len(branches)
        self.condition = torch.cat(branches)
        self.places = prior._places(order).repeat(self.branches, 1)
        self.cache = prior.transformer.cache(*self.places.shape)

    def __call__(self, sequence: Tensor, position: int) -> Tensor:
        """Logits of the token at a position (B, codes), given those of ``sequence`` (B, L) before it."""
        prior, x = self.prior, self.condition + self.prior.wanted(self.places[:, position])
        if position:
            last = sequence[:, position - 1].repeat(self.branches)
            x = x + prior.code(last) + prior.seen(self.places[:, position - 1])
        logits = prior.out(prior.transformer.step(x, self.cache, position))
        if self.branches == 1:
            return logits
        conditional, unconditional = logits.chunk(2)
        return unconditional + self.scale * (conditional - unconditional)
