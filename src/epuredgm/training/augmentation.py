"""Train designs varied on the device, a whole batch at once; labels stay true.

Geometry: one affine resampling per design. What lies beyond a picture's edge is taken to be as the edge
itself: tissue that the edge cuts (the chest wall) goes on, and background stays background. Masks are
resampled to the nearest pixel and stay masks. Intensity: what is 0, the air around a breast, stays exactly
0, and what is something stays at least one stored level.

A flip mirrors the design as it is shown. Where the data set has no side, that mirrors the stored picture.
Where it has one, stored pictures all face one way and those of the second side are mirrored when they are
shown; the mirror image of a design is then the same stored picture with the other side, so the side's
category is swapped and no pixel moves. (Mirroring the pixels too would store a picture that faces the wrong
way.)
"""

from __future__ import annotations

import math
from dataclasses import astuple

import torch
from torch import Tensor
from torch.nn import functional

from epuredgm.core.settings import AugmentationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch


class Augmentation:
    """Varies batches as the settings say.

    Args:
        settings: how far.
        spec: the data set.
    """

    def __init__(self, settings: AugmentationSettings, spec: DataSpec) -> None:
        self._settings, self._binary = settings, spec.values == "binary"
        self._level = 1 / spec.levels
        spans = dict(zip(spec.condition_names, spec.condition_spans, strict=True))
        self._has_side = spec.side is not None
        self._side = spans.get(spec.side) if spec.side is not None else None

    @property
    def active(self) -> bool:
        """Whether anything is varied; what is off draws nothing from the stream."""
        return any(astuple(self._settings))

    def __call__(self, batch: Batch, rng: torch.Generator) -> Batch:
        """The batch varied, one draw per design; ``batch`` itself is left as it is."""
        settings = self._settings
        images, conditions = batch
        if settings.rotation or settings.translation or settings.scale:
            images = self._moved(images, rng)
        if not self._binary and (settings.gain or settings.contrast or settings.noise):
            images = self._exposed(images, rng)
        if settings.flip:
            images, conditions = self._flipped(images, conditions, rng)
        return Batch(images, conditions)

    def _moved(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Rotated, scaled and shifted; (B, C, H, W) to the same."""
        settings, (count, _, height, width) = self._settings, images.shape
        angle = math.radians(settings.rotation) * _spread(count, images, rng)
        zoom = 1 + settings.scale * _spread(count, images, rng)
        shift = 2 * settings.translation * torch.stack([_spread(count, images, rng) for _ in "xy"], dim=1)
        cos, sin, ratio = (angle.cos() / zoom)[:, None], (angle.sin() / zoom)[:, None], height / width
        # from places in the result to places in the picture, both in units of half its width and half its
        # height: the ratio keeps a rotation a rotation where these differ
        x, y = _centres(width, images), _centres(height, images)
        grid = images.new_empty(count, height, width, 2)  # affine_grid multiplies matrices: ten times slower
        across, down = (
            (cos * x, -sin * ratio * y + shift[:, 0, None]),
            (sin / ratio * x, cos * y + shift[:, 1, None]),
        )
        for axis, (by_x, by_y) in enumerate((across, down)):
            torch.add(by_x[:, None, :], by_y[:, :, None], out=grid[..., axis])
        mode = "nearest" if self._binary else "bilinear"
        return functional.grid_sample(images, grid, mode=mode, padding_mode="border", align_corners=False)

    def _exposed(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Other contrast, gain and noise, within [0, 1], of what is there; the rest stays as it is."""
        settings, count = self._settings, len(images)
        each = (count, 1, 1, 1)
        varied = images
        if settings.contrast:
            varied = varied.pow((settings.contrast * _spread(count, images, rng)).exp().view(each))
        if settings.gain:
            varied = varied * (1 + settings.gain * _spread(count, images, rng)).view(each)
        if settings.noise:
            drawn = torch.randn(images.shape, generator=rng, device=images.device, dtype=images.dtype)
            varied = torch.add(varied, drawn, alpha=settings.noise)
        return torch.where(images > 0.5 * self._level, varied.clamp(self._level, 1), images)

    def _flipped(self, images: Tensor, conditions: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        chance = torch.rand(len(images), generator=rng, device=images.device)
        chosen = chance < self._settings.flip
        if not self._has_side:
            return torch.where(chosen.view(-1, 1, 1, 1), images.flip(3), images), conditions
        if self._side is None:  # the chosen conditions do not say which side: nothing to swap
            return images, conditions
        swapped = conditions.clone()
        swapped[:, self._side] = conditions[:, self._side].flip(1)  # of an unknown side, zeros both
        return images, torch.where(chosen[:, None], swapped, conditions)


def _centres(pixels: int, like: Tensor) -> Tensor:
    """Places of pixel centres between -1 and 1, (pixels,)."""
    return (2 * torch.arange(pixels, device=like.device, dtype=like.dtype) + 1) / pixels - 1


def _spread(count: int, like: Tensor, rng: torch.Generator) -> Tensor:
    """Uniform in [-1, 1], (count,)."""
    return 2 * torch.rand(count, generator=rng, device=like.device, dtype=like.dtype) - 1
