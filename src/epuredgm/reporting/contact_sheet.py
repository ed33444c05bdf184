"""A contact sheet: many designs on one picture, components coloured, half images mirrored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from epuredgm.core.files import write_bytes
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored
from epuredgm.data.rendering import colored
from epuredgm.data.stamp import png

INK = (40, 44, 52)
GAP = 8  # pixels between designs
HEADER = 34  # pixels above them, for title and legend


def contact_sheet(
    images: Stored,
    spec: DataSpec,
    path: Path,
    *,
    title: str = "",
    columns: int = 10,
    rows: int = 4,
    scale: int = 2,
    stamp: Mapping[str, str] | None = None,
) -> None:
    """Write the first ``columns * rows`` designs as one PNG.

    Args:
        images: (N, C, H, W) as stored.
        spec: the data set.
        path: the PNG to write (atomically).
        title: one line above the designs.
        columns: designs in a row.
        rows: rows at most.
        scale: pixels per image pixel.
        stamp: what the file says of generated designs (:mod:`epuredgm.data.stamp`); None for real ones.
    """
    tiles = colored(images[: columns * rows], spec).repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width = tiles.shape[:3]
    columns = max(1, min(columns, count))
    lines = -(-count // columns)
    sheet = Image.new(
        "RGB",
        (columns * (width + GAP) + GAP, max(1, lines) * (height + GAP) + GAP + HEADER),
        color=(244, 245, 247),
    )
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet.paste(
            Image.fromarray(tile), (GAP + column * (width + GAP), HEADER + GAP + row * (height + GAP))
        )
    _write_header(sheet, spec, title)
    write_bytes(path, png(sheet, stamp, optimize=True))


def _write_header(sheet: Image.Image, spec: DataSpec, title: str) -> None:
    """Title on the left; a swatch and a label for each component on the right, as far as they fit."""
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    draw.text((GAP, GAP + 2), title, fill=INK, font=font)
    left = GAP + draw.textlength(title, font=font) + 3 * GAP
    right = sheet.width - GAP
    for component in reversed(spec.components):
        start = right - round(draw.textlength(component.label, font=font)) - 18
        if start < left:
            break
        draw.rectangle((start, GAP + 5, start + 11, GAP + 16), fill=ImageColor.getrgb(component.color))
        draw.text((start + 16, GAP + 2), component.label, fill=INK, font=font)
        right = start - GAP
