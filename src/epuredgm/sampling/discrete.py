"""From a model's intensities to stored values, with the given components exactly as they were."""

from __future__ import annotations

import torch
from torch import Tensor

from epuredgm.core.spec import DataSpec

THRESHOLD = 0.5


def to_stored(
    images: Tensor, spec: DataSpec, known: Tensor | None = None, given: Tensor | None = None
) -> Tensor:
    """Stored values of drawn designs.

    Grey levels are rounded to whole numbers up to ``spec.levels``. Masks are set where a component exceeds
    one half. In an exclusive data set a pixel where several generated components exceed it goes to the
    largest of them, and a pixel of a given component to no generated one, so that generated components
    overlap nothing.

    Args:
        images: (B, C, H, W) float in [0, 1].
        spec: the data set.
        known: (B, C, H, W) stored values of the given components; None if none is given.
        given: (C,) bool, which components are given; None if none is.

    Returns:
        (B, C, H, W) of type ``spec.dtype``, equal to ``known`` in the given components.
    """
    if spec.values == "grey":
        whole = (images.clamp(0, 1) * spec.levels).round()
        # through int32: a device need not turn floats into uint16 itself
        stored = whole.to(torch.int32).to(getattr(torch, spec.dtype))
    else:
        stored = _masks(images, spec, known, given).to(torch.uint8)
    if known is not None and given is not None:
        stored[:, given] = known[:, given].to(stored.dtype)
    return stored


def _masks(images: Tensor, spec: DataSpec, known: Tensor | None, given: Tensor | None) -> Tensor:
    """(B, C, H, W) bool; what the given components hold is of no matter."""
    masks = images > THRESHOLD
    if not spec.exclusive:
        return masks
    free = images
    if known is not None and given is not None:
        free = images.masked_fill(given[None, :, None, None], -torch.inf)
        masks &= ~known[:, given].bool().any(dim=1, keepdim=True)
    owner = torch.arange(spec.channels, device=images.device)[None, :, None, None] == free.argmax(
        1, keepdim=True
    )
    return masks & owner
