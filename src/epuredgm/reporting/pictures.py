"""Designs as small PNGs inside a page, in as few colours as they have."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored
from epuredgm.data.rendering import colored
from epuredgm.data.stamp import png
from epuredgm.data.stamp import stamp as stamped
from epuredgm.reporting.study import Family, Gallery, Study

MOST_COLORS = 256  # of a PNG with a palette
GREYS = 16  # more of them need eight bits a pixel anyway, and no palette


def pictures(designs: Stored, spec: DataSpec, stamp: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """A ``data:`` address of each coloured, mirrored design; (N, C, H, W) as stored, stamped if generated."""
    return tuple(data_address(picture, stamp) for picture in colored(designs, spec)) if len(designs) else ()


def data_address(picture: NDArray[np.uint8], stamp: Mapping[str, str] | None = None) -> str:
    """One picture (H, W, 3) as ``data:image/png;base64,...``, without loss.

    Args:
        picture: what it shows.
        stamp: what the file says of a generated design (:mod:`epuredgm.data.stamp`); None for real ones.
    """
    content = png(_smallest(picture), stamp, optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def says(study: Study, family: Family, gallery: Gallery) -> dict[str, str]:
    """The stamp of the generated pictures of a gallery."""
    given = (gallery.given,) if gallery.given else ()
    facts = {
        "model": family.model,
        "dataset": study.spec.name,
        "seed": family.runs[0].seed,
        "mode": gallery.mode,
    }
    return stamped(facts, given=given)


def _smallest(picture: NDArray[np.uint8]) -> Image.Image:
    """With a palette where the colours fit into one."""
    height, width, _ = picture.shape
    if (picture[..., :1] == picture).all() and len(np.unique(picture[..., 0])) > GREYS:
        return Image.fromarray(np.ascontiguousarray(picture[..., 0]))
    colors, index = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True)
    if len(colors) > MOST_COLORS:
        return Image.fromarray(picture)
    image = Image.fromarray(index.reshape(height, width).astype(np.uint8), mode="P")
    image.putpalette(colors.tobytes())
    return image
