"""Designs as pictures: grey silhouettes, and components in colour."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored

PAPER = (255, 255, 255)

Images = NDArray[np.uint8]  # of what is made here
Color = tuple[int, int, int]


def silhouettes(images: Stored, spec: DataSpec) -> Images:
    """The union of all components: (N, C, H, W) as stored to (N, H, W) grey levels 0..255.

    Of grey components a pixel takes the brightest one's level.

    """
    union: Stored = images.max(axis=1)
    return levels8(union, spec)


def levels8(stored: Stored, spec: DataSpec) -> Images:
    """Stored values of any shape as grey levels 0..255."""
    if spec.levels == 1:
        return stored.astype(np.uint8) * np.uint8(255)
    if spec.levels == 255:
        return stored.astype(np.uint8)
    eight: Images = np.rint(stored.astype(np.float32) * np.float32(255 / spec.levels)).astype(np.uint8)
    return eight


def colored(images: Stored, spec: DataSpec, colors: Sequence[Color] | None = None) -> Images:
    """Designs as pictures: (N, C, H, W) as stored to (N, H, W or 2W, 3) uint8.

    Binary components are flat colours; where two overlap the colours are averaged and darkened, so that an
    overlap shows. Grey components tint the paper in proportion to their intensity; a single one is shown as
    it is, on black. Half images are mirrored.

    Args:
        images: as stored.
        spec: the data set.
        colors: one for each component; those of the data set if there are none.
    """
    if spec.values == "grey" and spec.channels == 1:  # a photograph rather than a drawing
        return np.repeat(levels8(images[:, 0], spec)[..., None], 3, axis=-1)
    weight = images.astype(np.float32) / np.float32(spec.levels)
    chosen = colors or [ImageColor.getrgb(component.color)[:3] for component in spec.components]
    palette = np.array(chosen, dtype=np.float32)
    total = weight.sum(axis=1, keepdims=True)
    ink = np.einsum("nchw,cr->nhwr", weight / np.maximum(total, 1e-6), palette)
    coverage = np.moveaxis(np.minimum(total, 1.0), 1, -1)
    shade = np.moveaxis(np.where(total > 1.0 + 1e-6, 0.45, 1.0), 1, -1)
    picture = coverage * ink * shade + (1 - coverage) * np.array(PAPER, dtype=np.float32)
    whole = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return np.concatenate([whole, whole[:, :, ::-1]], axis=2) if spec.mirrored else whole


def even_hues(count: int) -> tuple[Color, ...]:
    """``count`` colours that depend on nobody's taste: evenly spaced hues from red, saturated and bright."""
    wheel = (colorsys.hsv_to_rgb(k / count, 0.8, 0.9) for k in range(count))
    return tuple((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in wheel)
