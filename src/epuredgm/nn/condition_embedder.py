"""Conditions each of which may be unknown, embedded; and how training makes them unknown one by one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.interface import SampleRequest
from epuredgm.nn.embedding import CONDITION_FREQUENCIES


class ConditionEmbedder(nn.Module):
    """Encoded conditions -> (B, width). A condition whose numbers are all zero is unknown.

    Args:
        spec: the data set, which says which numbers belong to a condition.
        width: of the embedding.
    """

    frequencies: Tensor
    belongs: Tensor

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.tensor(CONDITION_FREQUENCIES), persistent=False)
        belongs = torch.zeros(len(spec.conditions), spec.condition_width)
        for row, span in zip(belongs, spec.condition_spans, strict=True):
            row[span] = 1
        self.register_buffer("belongs", belongs, persistent=False)
        features = 1 + spec.condition_width * (1 + 2 * len(CONDITION_FREQUENCIES))
        self.layers = nn.Sequential(nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, conditions: Tensor) -> Tensor:
        """(B, W) encoded -> (B, width)."""
        angles = (conditions[:, :, None] * self.frequencies).flatten(1)
        one = (
            torch.ones_like(conditions[:, :1])
            if conditions.shape[1]
            else conditions.new_ones(len(conditions), 1)
        )
        return self.layers(torch.cat([one, conditions, angles.sin(), angles.cos()], dim=1))

    def drop(self, conditions: Tensor, each: float, all_of_them: float, rng: torch.Generator) -> Tensor:
        """Make conditions unknown: each of a picture by itself, and all of some pictures.

        Args:
            conditions: (B, W) encoded.
            each: chance of each condition, in [0, 1].
            all_of_them: share of the pictures that lose all, so that pictures of any condition can be drawn.
            rng: random stream.
        """
        count, kinds = len(conditions), len(self.belongs)
        kept = torch.rand(count, kinds, generator=rng, device=rng.device) >= each
        kept &= torch.rand(count, 1, generator=rng, device=rng.device) >= all_of_them
        return conditions * (kept.to(conditions.dtype) @ self.belongs)

    def asked(self, request: SampleRequest) -> Tensor:
        """(B, width): the conditions that a request asks for; all unknown if it asks for none."""
        if request.conditions is not None:
            return self(request.conditions)
        return self(self.belongs.new_zeros(request.count, self.belongs.shape[1]))
