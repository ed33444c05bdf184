"""What becomes of a breast: one whole view, or patches of it, as 16-bit pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest
from epuredgm.data.mammography.breast import Breast, Canonical, canonical
from epuredgm.data.mammography.mammogram import Mammogram
from epuredgm.data.mammography.patches import chosen, cut, foreground
from epuredgm.data.mammography.settings import Patches

LEVELS = 65535


@dataclass(frozen=True)
class Cutting:
    """How pictures are made of a breast.

    Attributes:
        size: rows and columns of a picture.
        foreground: smallest share of breast in a whole view; below it the file is put aside.
        patches: None for whole views.
    """

    size: tuple[int, int]
    foreground: float
    patches: Patches | None = None


@dataclass(frozen=True)
class Cut:
    """The pictures of one file.

    Attributes:
        pictures: uint16 (M, 1, S, S), 65535 stands for 1.
        foreground: (M,) shares of breast.
        mm_per_pixel: None if it is not known.
    """

    pictures: NDArray[np.uint16]
    foreground: tuple[float, ...]
    mm_per_pixel: float | None


def cutting_of(size: tuple[int, int], foreground: float, patches: Mapping[str, Any] | None) -> Cutting:
    """The settings of a configuration, checked.

    Raises:
        BadRequest: if a share is none, or patches do not fit.
    """
    if not 0 <= foreground < 1:
        raise BadRequest(
            f"dataset.reader.foreground is {foreground}", "It is a share of the picture: 0.02, say."
        )
    if patches is None:
        return Cutting(size, foreground)
    try:
        cut_so = Patches(**patches)
    except TypeError as error:
        raise BadRequest(
            "dataset.reader.patches has a key that is not known, or lacks one",
            "It takes canvas and stride (pixels), foreground (a share), most (a number or null) and seed.",
        ) from error
    if not (0 <= cut_so.foreground <= 1 and (cut_so.most is None or cut_so.most >= 1)):
        raise BadRequest(
            "dataset.reader.patches: foreground is no share, or most is none at all",
            "Write for example foreground: 0.2 and most: 8 (null for all).",
        )
    if size[0] != size[1] or not 0 < size[0] <= cut_so.canvas or cut_so.stride < 1:
        raise BadRequest(
            f"patches of {size[0]} x {size[1]} at steps of {cut_so.stride} cannot be cut from "
            f"{cut_so.canvas} x {cut_so.canvas}",
            "Patches are square (dataset.size) and smaller than dataset.reader.patches.canvas.",
        )
    return Cutting(size, foreground, cut_so)


def cut_breast(mammogram: Mammogram, breast: Breast, how: Cutting, name: str) -> Cut:
    """The pictures of one breast; none if too little of each is breast.

    Args:
        mammogram: pixels and scale.
        breast: where it is.
        how: the settings.
        name: the picture's keyed name, which its choice of patches is drawn from.
    """
    if how.patches is None:
        whole = _canonical(mammogram, breast, how.size)
        kept = 1 if whole.foreground >= how.foreground else 0
        return Cut(_stored(whole.pixels[None][:kept]), (whole.foreground,) * kept, whole.mm_per_pixel)
    asked, side = how.patches, how.size[0]
    canvas = _canonical(mammogram, breast, (asked.canvas, asked.canvas))
    corners = chosen(canvas.mask, side, asked.stride, asked.foreground, asked.most, asked.seed, name)
    shares = foreground(canvas.mask, corners, side) if len(corners) else np.empty(0)
    return Cut(
        _stored(cut(canvas.pixels, corners, side)), tuple(float(s) for s in shares), canvas.mm_per_pixel
    )


def _canonical(mammogram: Mammogram, breast: Breast, size: tuple[int, int]) -> Canonical:
    return canonical(mammogram.pixels, breast, mammogram.mm_per_pixel, size)


def _stored(pixels: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Intensities (M, H, W) in [0, 1] as they are kept, (M, 1, H, W)."""
    return np.rint(np.clip(pixels, 0, 1) * LEVELS).astype(np.uint16)[:, None]
