"""Faults that a design can have, put into real ones: what a feature network must learn to see.

Each fault takes images (B, C, H, W) in [0, 1] and a generator on their device, and spoils every design by an
amount of its own. None of them knows which component is which.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Fault = Callable[[Tensor, torch.Generator], Tensor]

REACH = 3  # pixels that a component is shifted by, at most, along either axis
FLIPPED = 0.1  # share of pixels that are turned over, at most
DROPPED = 1 / 3  # of the components of a design that drops some
EXCHANGED = 1 / 2  # of the components of a design that exchanges some
ERASED = 1 / 2  # of either edge of an image, at most


def spoiled(images: Tensor, chance: float, binary: bool, rng: torch.Generator) -> Tensor:
    """Each design with each fault by ``chance``, independently; some stay as they are.

    Args:
        images: (B, C, H, W) in [0, 1].
        chance: of each fault, in [0, 1].
        binary: whether they are masks; then the result is too.
        rng: on the device of the images.
    """
    faults: tuple[Fault, ...] = (
        exchanged,
        shifted,
        dropped,
        erased,
        thickened if binary else blurred,
        flipped,
    )
    for fault in faults:
        images = torch.where(_uniform(images, 1, rng) < chance, fault(images, rng), images)
    return images


def exchanged(images: Tensor, rng: torch.Generator) -> Tensor:
    """Some components come from another design: right parts, wrong joint."""
    others = torch.randperm(len(images), generator=rng, device=rng.device)
    return torch.where(_uniform(images, images.shape[1], rng) < EXCHANGED, images[others], images)


def shifted(images: Tensor, rng: torch.Generator) -> Tensor:
    """Each component is shifted by up to three pixels along either axis; background comes in."""
    batch, channels = images.shape[:2]
    by = torch.randint(-REACH, REACH + 1, (batch, channels, 2), generator=rng, device=rng.device)
    for axis in (2, 3):
        images = _moved(images, by[..., axis - 2], axis)
    return images


def dropped(images: Tensor, rng: torch.Generator) -> Tensor:
    """Some components are missing."""
    return images * (_uniform(images, images.shape[1], rng) >= DROPPED)


def erased(images: Tensor, rng: torch.Generator) -> Tensor:
    """A rectangle, at most half as high and half as wide as the image, is empty."""
    inside = torch.ones_like(images[:, :1], dtype=torch.bool)
    for axis in (2, 3):
        length = images.shape[axis]
        place = torch.arange(length, device=images.device).view([-1 if d == axis else 1 for d in range(4)])
        middle, reach = (_uniform(images, 1, rng) * length for _ in range(2))
        inside = inside & ((place + 0.5 - middle).abs() <= reach * ERASED / 2)
    return images.masked_fill(inside, 0.0)


def thickened(images: Tensor, rng: torch.Generator) -> Tensor:
    """Masks grown or shrunk at their edges: the mean of 3 x 3 pixels against a level of each component."""
    level = 0.1 + 0.8 * _uniform(images, images.shape[1], rng)
    return (blurred(images, rng) > level).to(images.dtype)


def blurred(images: Tensor, rng: torch.Generator) -> Tensor:
    """The mean of 3 x 3 pixels; draws nothing."""
    return functional.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)


def flipped(images: Tensor, rng: torch.Generator) -> Tensor:
    """Single pixels are turned over, few of them more often than many."""
    rate = FLIPPED * _uniform(images, 1, rng) ** 2
    turned = torch.rand(images.shape, generator=rng, device=rng.device) < rate
    return torch.where(turned, 1 - images, images)


def _uniform(images: Tensor, channels: int, rng: torch.Generator) -> Tensor:
    """(B, channels, 1, 1) uniform numbers, one for each design or one for each of its components."""
    return torch.rand((len(images), channels, 1, 1), generator=rng, device=rng.device)


def _moved(images: Tensor, by: Tensor, axis: int) -> Tensor:
    """Each component moved ``by`` (B, C) pixels along an axis, 2 or 3."""
    length = images.shape[axis]
    source = torch.arange(length, device=images.device) - by[..., None]
    there = (source >= 0) & (source < length)
    source, there = (part.unsqueeze(5 - axis) for part in (source.clamp(0, length - 1), there))
    return images.gather(axis, source.expand_as(images)) * there
