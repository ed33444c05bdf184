"""Text burned into pictures, as scanners and old film digitisers leave it: to test that the gate sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import ImageFont

Style = Literal["plain", "smooth", "outlined", "boxed"]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Writing:
    """How a text looks.

    Attributes:
        text: one line or more.
        font: bitmap or vector font, at the size it is drawn in.
        enlarged: side of the square that each pixel of the font becomes.
        degrees: turned counter-clockwise.
        style: ``plain`` has two levels, ``smooth`` soft edges, ``outlined`` a rim of the opposite level,
            ``boxed`` an opaque box of the opposite level around it.
    """

    text: str
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    enlarged: int = 1
    degrees: float = 0.0
    style: Style = "plain"

    def ink(self) -> Floats:
        """Share of each pixel that is covered by letters, (h, w) in [0, 1], without empty borders."""
        from PIL import Image, ImageDraw

        left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
            (0, 0), self.text, font=self.font
        )
        around = 2
        size = (int(right - left) + 2 * around, int(bottom - top) + 2 * around)
        sheet = Image.new("L", size, 0)
        ImageDraw.Draw(sheet).text((around - left, around - top), self.text, fill=255, font=self.font)
        sheet = sheet.resize((size[0] * self.enlarged, size[1] * self.enlarged), Image.Resampling.NEAREST)
        turned = sheet.rotate(self.degrees, Image.Resampling.BICUBIC, expand=True)
        ink = np.asarray(turned, dtype=np.float32) / 255
        rows, columns = (np.flatnonzero((ink > 0.3 * ink.max()).any(axis=axis)) for axis in (1, 0))
        return np.pad(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], around)


def burn(pixels: Floats, writing: Writing, top: int, left: int, level: float, behind: float) -> Floats:
    """A copy of ``pixels`` (H, W) in [0, 1] with the text at ``top``, ``left``; what is outside is lost.

    Args:
        level: of the letters.
        behind: of the rim or the box, where the style has one.
    """
    ink, written = writing.ink(), pixels.copy()
    if writing.style == "plain":
        ink = (ink > 0.5 * ink.max()).astype(np.float32)
    area = written[top : top + ink.shape[0], left : left + ink.shape[1]]
    ink = ink[: area.shape[0], : area.shape[1]]
    if writing.style == "boxed":
        area[:] = behind
    elif writing.style == "outlined":
        near = np.pad(ink, 1)
        rim = np.max(
            [
                near[1 + dy : near.shape[0] - 1 + dy, 1 + dx : near.shape[1] - 1 + dx]
                for dy in (-1, 0, 1)
                for dx in (-1, 0, 1)
            ],
            axis=0,
        )
        area[:] = area * (1 - rim) + behind * rim
    area[:] = area * (1 - ink) + level * ink
    return written
