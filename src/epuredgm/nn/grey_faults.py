"""Faults of grey pictures, put into real ones: what a feature network of them must learn to see.

As in :mod:`epuredgm.nn.corruption` each fault takes images (B, C, H, W) in [0, 1] and a generator on their
device, and spoils every picture by an amount of its own; a little more often than much, for a generator's
last faults are small ones.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from epuredgm.nn.corruption import Fault, erased, shifted

AIR = 0.02  # up to it a pixel is background: noise and intensity faults leave it as it is
NOISE = (0.003, 0.2)  # standard deviation of noise, drawn evenly on a logarithmic scale
COARSEST = 8  # edge in pixels of the coarsest grains of noise, a power of two
GAIN = 0.3  # relative change of all intensities, at most
GAMMA = 0.5  # natural logarithm of the exponent of intensities, at most
BLURS = 4  # times that 3 x 3 pixels are averaged, at most
PATCH = 0.5  # of either edge of an image: a patch of another picture, at most


def spoiled(images: Tensor, chance: float, rng: torch.Generator) -> Tensor:
    """Each picture with each fault by ``chance``, independently; some stay as they are.

    Args:
        images: (B, C, H, W) in [0, 1].
        chance: of each fault, in [0, 1].
        rng: on the device of the images.
    """
    faults: tuple[Fault, ...] = (averaged, swapped, shifted, erased, brightened, blurred, grained)
    for fault in faults:
        images = torch.where(_uniform(images, rng) < chance, fault(images, rng), images)
    return images


def averaged(images: Tensor, rng: torch.Generator) -> Tensor:
    """Partly the mean of a few pictures: anatomy washed out, as of a model that hedges."""
    others = torch.stack(
        [images[torch.randperm(len(images), generator=rng, device=rng.device)] for _ in range(4)]
    )
    return torch.lerp(images, others.mean(dim=0), _uniform(images, rng))


def swapped(images: Tensor, rng: torch.Generator) -> Tensor:
    """A rectangle comes from another picture."""
    others = images[torch.randperm(len(images), generator=rng, device=rng.device)]
    inside = torch.ones_like(images[:, :1], dtype=torch.bool)
    for axis in (2, 3):
        length = images.shape[axis]
        place = torch.arange(length, device=images.device).view([-1 if d == axis else 1 for d in range(4)])
        middle, reach = (_uniform(images, rng) * length for _ in range(2))
        inside = inside & ((place + 0.5 - middle).abs() <= reach * PATCH / 2)
    return torch.where(inside, others, images)


def brightened(images: Tensor, rng: torch.Generator) -> Tensor:
    """All intensities times one number and to the power of another; background stays."""
    gain = 1 + GAIN * _signed(images, rng)
    exponent = torch.exp(GAMMA * _signed(images, rng))
    return torch.where(images > AIR, (gain * images.clamp(min=1e-6) ** exponent).clamp(0, 1), images)


def blurred(images: Tensor, rng: torch.Generator) -> Tensor:
    """Means of 3 x 3 pixels taken several times over, a part of the last."""
    amount = BLURS * _uniform(images, rng).square()
    for turn in range(BLURS):
        mean = functional.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
        images = torch.lerp(images, mean, (amount - turn).clamp(0, 1))
    return images


def grained(images: Tensor, rng: torch.Generator) -> Tensor:
    """Noise inside the picture, or also on the background, of fine or coarse grains or of all at once."""
    low, high = torch.tensor(NOISE).log()
    scale = torch.exp(low + (high - low) * _uniform(images, rng))
    noise, edge, height, width = torch.zeros_like(images), 1, *images.shape[2:]
    while edge <= COARSEST and edge <= min(height, width):
        shape = (*images.shape[:2], -(-height // edge), -(-width // edge))
        grains = torch.randn(shape, generator=rng, device=images.device)
        grains = functional.interpolate(grains, (height, width), mode="bilinear", align_corners=False)
        noise = noise + grains * _uniform(images, rng).square()
        edge *= 2
    everywhere = _uniform(images, rng) < 0.3
    return torch.where(everywhere | (images > AIR), (images + scale * noise).clamp(0, 1), images)


def _uniform(images: Tensor, rng: torch.Generator) -> Tensor:
    """(B, 1, 1, 1) uniform numbers, one for each picture."""
    return torch.rand((len(images), 1, 1, 1), generator=rng, device=rng.device)


def _signed(images: Tensor, rng: torch.Generator) -> Tensor:
    """(B, 1, 1, 1) numbers between -1 and 1, more often near 0."""
    drawn = 2 * _uniform(images, rng) - 1
    return drawn * drawn.abs()
