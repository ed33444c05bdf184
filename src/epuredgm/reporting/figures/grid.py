"""The frame of a table of cells: names on the left, upright names above, and where the cells are."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from epuredgm.reporting.figures.panel import SMALL, TEXT, Panel, widest

CELL = 0.27  # inches, the height of a row


@dataclass(frozen=True)
class Grid:
    """Rows and columns by name."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]

    def height(self) -> float:
        """Inches of names and cells."""
        return self._above() + CELL * max(len(self.rows), 1)

    def _above(self) -> float:
        return widest(self.columns, SMALL) + 0.1

    def axes(self, panel: Panel, bottom: float) -> Axes:
        """Axes where cell (row, column) is the unit square around (column, row); row 0 is the uppermost."""
        left = widest(self.rows, TEXT) + 0.15
        axes = panel.axes(left, bottom, panel.width - left - 0.08, CELL * max(len(self.rows), 1))
        axes.set_xlim(-0.5, max(len(self.columns), 1) - 0.5)
        axes.set_ylim(max(len(self.rows), 1) - 0.5, -0.5)
        axes.set_yticks(range(len(self.rows)), self.rows, fontsize=TEXT)
        axes.set_xticks(range(len(self.columns)), self.columns, fontsize=SMALL, rotation=90)
        axes.tick_params(length=0, pad=4)
        axes.xaxis.tick_top()
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes
