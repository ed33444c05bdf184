"""Known components: what is given of a design, as values and flags, so that a network can complete the rest.

One convention for every family: hidden components are zeroed before anything sees them, and a flag per
component tells "not given" from "given and empty".
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from epuredgm.core.spec import DataSpec
from epuredgm.interface import SampleRequest


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

    @classmethod
    def of_request(cls, request: SampleRequest, spec: DataSpec, device: torch.device) -> Evidence:
        """What a request gives of its designs: nothing, unless it is for inpainting."""
        if request.known is None or request.given is None:
            return cls.none((request.count, spec.channels, *spec.size), device)
        return cls.of(request.known, request.given)

    def beside(self, x_t: Tensor) -> Tensor:
        """(B, C, H, W) noisy components, zero where given, and the given ones beside them: (B, 2 C, H, W)."""
        return torch.cat([x_t * ~self.given[:, :, None, None], self.values], dim=1)

    def paste(self, images: Tensor) -> Tensor:
        """``images`` (B, C, H, W) with the given components in their channels."""
        return torch.where(self.given[:, :, None, None], self.values.to(images.dtype), images)


def random_given(count: int, channels: int, share: float, rng: torch.Generator) -> Tensor:
    """Random sets of given components for training: (count, channels) bool, never all of them.

    A design is given components with probability ``share``: then 0 to C - 1 of them, each number equally
    likely, as is each set of that number.
    """
    ranks = torch.rand(count, channels, generator=rng, device=rng.device).argsort(1).argsort(1)
    number = torch.randint(channels, (count,), generator=rng, device=rng.device)
    chosen = torch.rand(count, generator=rng, device=rng.device) < share
    return (ranks < number[:, None]) & chosen[:, None]
