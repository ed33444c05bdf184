"""A small convolutional network that reads conditions from a picture: categories and numbers at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

VERSION = 1  # of everything that readings depend on beside the weights
EDGE = 64  # px, of the longer side that the network looks at
WIDTHS = (16, 32, 64, 96)
GRID = 4  # cells along each side that the last features are averaged over: where tissue lies tells the view
GROUPS = 8
DROPPED = 0.3  # share of the features, in training


class ConditionNetwork(nn.Module):
    """Pictures -> one reading for each condition.

    Args:
        channels: of a picture, C.
        categories: of each condition its number of categories, 0 for a number.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, channels: int, categories: Sequence[int]) -> None:
        super().__init__()
        self.categories = tuple(categories)
        widths = (channels, *WIDTHS)
        blocks = [
            nn.Sequential(
                nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(GROUPS, after), nn.SiLU()
            )
            for before, after in pairwise(widths)
        ]
        self.trunk = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(GRID), nn.Flatten(), nn.Dropout(DROPPED))
        self.head = nn.Linear(WIDTHS[-1] * GRID**2, sum(self.spans))
        self.register_buffer("centre", torch.zeros(len(self.categories)))
        self.register_buffer("scale", torch.ones(len(self.categories)))

    @property
    def spans(self) -> tuple[int, ...]:
        """Numbers in the reading of each condition: one per category, or one."""
        return tuple(count or 1 for count in self.categories)

    @torch.no_grad()
    def standardise(self, values: Tensor) -> None:
        """Let numbers be learned with mean 0 and deviation 1; values (N, K), NaN where unknown."""
        for k, count in enumerate(self.categories):
            known = values[values[:, k].isfinite(), k]
            if not count and len(known) > 1:
                self.centre[k], self.scale[k] = known.mean(), known.std().clamp(min=1e-6)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, D): probabilities of categories, and numbers in their own units."""
        return torch.cat(
            [
                part.softmax(1) if count else part * self.scale[k] + self.centre[k]
                for k, (part, count) in enumerate(zip(self._read(pictures), self.categories, strict=True))
            ],
            dim=1,
        )

    def loss(self, pictures: Tensor, values: Tensor) -> Tensor:
        """The mean over conditions of the mean over known values: cross-entropy, or half the squared error.

        Args:
            pictures: (B, C, H, W) in [0, 1].
            values: (B, K): places of categories, numbers in their own units; NaN where unknown.
        """
        terms = []
        for k, (part, count) in enumerate(zip(self._read(pictures), self.categories, strict=True)):
            known = values[:, k].isfinite()
            told = values[:, k].nan_to_num(0.0)
            if count:
                each = functional.cross_entropy(part, told.long(), reduction="none")
            else:
                each = 0.5 * (part[:, 0] - (told - self.centre[k]) / self.scale[k]).square()
            terms.append((each * known).sum() / known.sum().clamp(min=1))
        return torch.stack(terms).mean()

    def _read(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """(B, span) of each condition."""
        height, width = pictures.shape[2:]
        shrink = min(1.0, EDGE / max(height, width))
        if shrink < 1:
            size = (max(1, round(height * shrink)), max(1, round(width * shrink)))
            pictures = functional.adaptive_avg_pool2d(pictures, size)
        return self.head(self.trunk(pictures * 2 - 1)).split(self.spans, dim=1)
