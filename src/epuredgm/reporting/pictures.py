"""Designs as small PNGs inside a page, in as few colours as they have."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored
from epuredgm.data.rendering import colored

MOST_COLORS = 256  # of a PNG with a palette
GREYS = 16  # more of them need eight bits a pixel anyway, and no palette


def pictures(designs: Stored, spec: DataSpec) -> tuple[str, ...]:
    """A ``data:`` address of each coloured, mirrored design; (N, C, H, W) as stored."""
    return tuple(data_address(picture) for picture in colored(designs, spec)) if len(designs) else ()


def data_address(picture: NDArray[np.uint8], label: str = "") -> str:
    """One picture (H, W, 3) as ``data:image/png;base64,...``, without loss; ``label`` stays in the file."""
    buffer = io.BytesIO()
    about = PngInfo()
    if label:
        about.add_text("Description", label)
    _smallest(picture).save(buffer, format="PNG", optimize=True, pnginfo=about)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


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
