"""The critic of an adversarial family: a score of whole designs that knows what the generator was told."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.nn.coder import Encoder
from epuredgm.nn.embedding import ConditionEmbedding
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.layers import EncoderLayers


class Told(NamedTuple):
    """What both networks are told of a batch of designs.

    Attributes:
        conditions: (B, K), encoded.
        dropped: (B,) bool, whose conditions neither network is told.
        evidence: the known components.
    """

    conditions: Tensor
    dropped: Tensor
    evidence: Evidence

    def twice(self) -> Told:
        """The same designs once more, behind these."""
        values, given = (torch.cat([part, part]) for part in self.evidence)
        twice = torch.cat([self.conditions, self.conditions]), torch.cat([self.dropped, self.dropped])
        return Told(*twice, Evidence(values, given))


class Critic(nn.Module):
    """How real a design looks, given its condition and which of its components are known.

    The condition meets what was seen of the design in a product (projection, Miyato & Koyama 2018), so that
    those features describe the design alone and its condition can be read off them (Odena et al. 2017). In
    the published form of WGAN-GP the condition is an input, here of every block, and nothing is read off.

    Args:
        spec: the data set.
        published: whether the critic has the published form.
        context: width of the embedded condition.
        layers: size of its encoder.
        normalised: whether that normalises its features, each design by itself.
    """

    def __init__(
        self, spec: DataSpec, *, published: bool, context: int, layers: EncoderLayers, normalised: bool
    ) -> None:
        super().__init__()
        self.condition = ConditionEmbedding(spec.condition_width, context)
        known, features = spec.channels, layers.features
        self.encoder = Encoder(spec.size, known, known, context=context, layers=layers, normalised=normalised)
        self.score = nn.Linear(features, 1)
        self.project = None if published else nn.Linear(context, features)
        self.read = None if published or not spec.conditions else nn.Linear(features, spec.condition_width)

    def forward(self, images: Tensor, told: Told) -> tuple[Tensor, Tensor]:
        """Whole designs (B, C, H, W) -> scores (B,) and features (B, features)."""
        condition = self.condition(told.conditions, told.dropped)
        context = condition if self.project is None else self.condition.null(len(images))
        features = self.encoder(images, context, told.evidence.given).float()
        with torch.autocast(images.device.type, enabled=False):  # a gap between scores is small beside them
            score = self.score(features)[:, 0]
            if self.project is not None:
                score = score + (self.project(condition.float()) * features).mean(1)
        return score, features

    def misreading(self, features: Tensor, conditions: Tensor) -> Tensor:
        """Mean squared error of the conditions as read off the features: (B,)."""
        if self.read is None:
            return features.new_zeros(len(features))
        return (self.read(features).float() - conditions).square().mean(1)
