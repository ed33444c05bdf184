"""Known components: what is given of a design, as values and flags, so that a network can complete the rest.

One convention for every family: hidden components are zeroed before anything sees them, and a flag per
component tells "not given" from "given and empty".
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Evidence(NamedTuple):
    """The given components of a batch.

    Attributes:
        values: (B, C, H, W) in [0, 1], zero in the channels that are not given.
        given: (B, C) bool.
    """

    values: Tensor
    given: Tensor

    @classmethod
    def of(cls, images: Tensor, given: Tensor) -> Evidence:
        """What ``given`` (B, C) lets through of ``images``; hidden pixels are gone from here on."""
        return cls(images.masked_fill(~given[:, :, None, None], 0.0), given)

    @classmethod
    def whole(cls, images: Tensor) -> Evidence:
        """All components of ``images`` (B, C, H, W) are given."""
        return cls(images, torch.ones(images.shape[:2], dtype=torch.bool, device=images.device))

    @classmethod
    def none(cls, shape: tuple[int, int, int, int], device: torch.device) -> Evidence:
        """Nothing is given of a batch of ``shape`` (B, C, H, W)."""
        return cls(torch.zeros(shape, device=device), torch.zeros(shape[:2], dtype=torch.bool, device=device))

    def paste(self, images: Tensor) -> Tensor:
        """``images`` (B, C, H, W) with the given components in their channels."""
        return torch.where(self.given[:, :, None, None], self.values.to(images.dtype), images)


def with_flags(patches: Tensor, evidence: Evidence) -> Tensor:
    """(B, P, h, w) patches with the C flags of the evidence as further channels: (B, P + C, h, w)."""
    flags = evidence.given[:, :, None, None].to(patches.dtype).expand(-1, -1, *patches.shape[-2:])
    return torch.cat([patches, flags], dim=1)


def random_given(count: int, channels: int, share: float, rng: torch.Generator) -> Tensor:
    """Random sets of given components for training: (count, channels) bool, never all of them.

    A design is given components with probability ``share``: then 0 to C - 1 of them, each number equally
    likely, as is each set of that number.
    """
    ranks = torch.rand(count, channels, generator=rng, device=rng.device).argsort(1).argsort(1)
    number = torch.randint(channels, (count,), generator=rng, device=rng.device)
    chosen = torch.rand(count, generator=rng, device=rng.device) < share
    return (ranks < number[:, None]) & chosen[:, None]
