"""Rows of designs under each other, as one picture: column by column, they belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epuredgm.reporting.figures.panel import QUIET, SMALL, Panel, wrapped

Pictures = NDArray[np.uint8]
LABEL = 1.0  # inches for what the rows are called
SHARP = 4  # dots for each image pixel: a viewer that smooths leaves edges sharp


@dataclass(frozen=True)
class DesignRows:
    """Rows of pictures.

    Attributes:
        rows: (what it is, pictures (N, H, W, 3) uint8).
        columns: at most so many pictures of a row are shown; a tile is as wide as if all rows had so many.
    """

    rows: Sequence[tuple[str, Pictures]]
    columns: int = 12

    def _tile(self, width: float) -> tuple[float, float]:
        """Inches of a tile's width and height, gap included."""
        across = (width - LABEL - 0.05) / self.columns
        shape = next((pictures.shape for _, pictures in self.rows if len(pictures)), (0, 1, 1, 3))
        return across, across * (shape[1] + gap_of(shape)) / (shape[2] + gap_of(shape))

    def height(self, width: float) -> float:
        """Inches."""
        return len(self.rows) * self._tile(width)[1] + 0.08

    def draw(self, panel: Panel) -> None:
        """Names on the left, designs beside them."""
        across, up = self._tile(panel.width)
        for index, (name, pictures) in enumerate(self.rows):
            top = panel.height - 0.04 - index * up
            lines = wrapped(name, LABEL - 0.08, SMALL)
            for number, line in enumerate(lines):
                y = top - up / 2 + (len(lines) / 2 - number - 0.5) * SMALL * 1.3 / 72
                panel.text(0.05, y, line, size=SMALL, alpha=QUIET, va="center")
            shown = pictures[: self.columns]
            if not len(shown):
                continue
            axes = panel.axes(LABEL, top - up, across * len(shown), up)
            axes.set_axis_off()
            axes.imshow(strip(shown), interpolation="none", aspect="auto")


def gap_of(shape: Sequence[int]) -> int:
    """Image pixels of paper between two pictures."""
    return max(2, shape[2] // 16)


def strip(pictures: Pictures) -> Pictures:
    """(N, H, W, 3) as one picture: side by side, with paper between them, each pixel several dots wide."""
    gap = gap_of(pictures.shape)
    padded = np.pad(pictures, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=255)
    joined = np.concatenate(list(padded), axis=1)
    return joined.repeat(SHARP, axis=0).repeat(SHARP, axis=1)
