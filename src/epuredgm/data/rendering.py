"""Designs as pictures: grey silhouettes, and components in colour."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from epuredgm.core.spec import DataSpec

PAPER = (255, 255, 255)

Images = NDArray[np.uint8]
Color = tuple[int, int, int]


def silhouettes(images: Images, values: str) -> Images:
    """The union of all components: uint8 (N, C, H, W) to (N, H, W) grey levels 0..255.

    Of grey components a pixel takes the brightest one's level.

    Args:
        images: in {0, 1} or 0..255, as ``values`` says.
        values: ``binary`` or ``grey``.
    """
    union: Images = images.max(axis=1)
    return union * np.uint8(255) if values == "binary" else union


def colored(images: Images, spec: DataSpec, colors: Sequence[Color] | None = None) -> Images:
    """Designs as pictures: (N, C, H, W) uint8 to (N, H, W or 2W, 3) uint8.

    Binary components are flat colours; where two overlap the colours are averaged and darkened, so that an
    overlap shows. Grey components tint the paper in proportion to their intensity. Half images are mirrored.

    Args:
        images: in {0, 1} or 0..255 as ``spec.values`` says.
        spec: the data set.
        colors: one for each component; those of the data set if there are none.
    """
    top = 1.0 if spec.values == "binary" else 255.0
    weight = images.astype(np.float32) / top
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
