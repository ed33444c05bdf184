"""What was asked for against what was drawn: one condition of one family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from epuredgm.reporting.figures.dots import dots
from epuredgm.reporting.figures.panel import (
    FAINT,
    INK,
    QUIET,
    SMALL,
    SOFT,
    Chart,
    Panel,
    header_height,
)

SIDE = 3.0  # inches of the square axes, as far as there is room
LEFT = 0.6  # inches for labels


@dataclass(frozen=True)
class AdherenceChart:
    """See :func:`adherence_scatter`."""

    condition: str
    unit: str
    asked: np.ndarray
    measured: np.ndarray
    train_range: tuple[float, float] | None
    color: str
    title: str

    def height(self, width: float) -> float:
        """Inches."""
        return header_height(self.title, width, self._note()) + self._side(width) + 0.5

    def _side(self, width: float) -> float:
        return min(SIDE, width - LEFT - 0.2)

    def draw(self, panel: Panel) -> None:
        """A square with the line on which asked and measured agree."""
        there = np.isfinite(self.asked) & np.isfinite(self.measured)
        panel.header(self.title, self._note())
        side = self._side(panel.width)
        axes = panel.axes(LEFT, 0.47, side, side)
        x, y = self.asked[there], self.measured[there]
        low, high = self._limits(x, y)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5, integer=high - low > 4))
        ends = np.array([low, high])
        axes.fill_between(ends, ends - 1, ends + 1, color=INK, alpha=FAINT, linewidth=0)
        axes.plot(ends, ends, color=INK, alpha=SOFT, linewidth=0.8)
        self._draw_range(axes)
        dots(axes, x, y, self.color)
        unit = f" ({self.unit})" if self.unit else ""
        axes.set_xlabel(f"asked{unit}", labelpad=3)
        axes.set_ylabel(f"measured{unit}", labelpad=3)

    def _note(self) -> str:
        there = np.isfinite(self.asked) & np.isfinite(self.measured)
        if not len(there):
            return "nothing was asked"
        off = np.abs(self.asked[there] - self.measured[there])
        # a share of all designs: one that cannot be measured is off, as in the metric
        words = f"{(off <= 1).sum() / len(there):.0%} within 1 {self.unit or 'unit'} (band)"
        lost = int((~there).sum())
        return f"{words}, {lost} of {len(there)} not measurable" if lost else words

    def _limits(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        found = [*x, *y, *(self.train_range or ())]
        if not found:
            return 0.0, 1.0
        low, high = float(min(found)), float(max(found))
        room = 0.06 * (high - low) or 1.0
        return low - room, high + room

    def _draw_range(self, axes: Axes) -> None:
        """Where train designs are, as a bar on the axis of what was asked."""
        if self.train_range is None or not np.isfinite(self.train_range).all():
            return
        low, high = self.train_range
        over = axes.get_xaxis_transform()
        axes.plot(
            [low, high],
            [0.012, 0.012],
            transform=over,
            color=INK,
            alpha=SOFT,
            linewidth=3,
            solid_capstyle="butt",
        )
        axes.text(
            (low + high) / 2,
            0.03,
            "train designs",
            transform=over,
            size=SMALL,
            alpha=QUIET,
            ha="center",
            va="bottom",
        )


def adherence_scatter(
    condition: str,
    unit: str,
    asked: ArrayLike,
    measured: ArrayLike,
    train_range: Sequence[float] | None,
    color: str,
    title: str = "",
) -> Chart:
    """One condition of one family; a larger dot is several designs.

    Args:
        condition: its name.
        unit: of both axes; may be empty.
        asked: (N,) what was asked for; NaN where nothing was.
        measured: (N,) what was drawn; NaN where it cannot be measured (counted in words).
        train_range: smallest and largest value among train designs, or None.
        color: the family's.
        title: above; the condition's name if empty.
    """
    x, y = np.asarray(asked, dtype=np.float64), np.asarray(measured, dtype=np.float64)
    span = (float(train_range[0]), float(train_range[1])) if train_range is not None else None
    return AdherenceChart(condition, unit, x, y, span, color, title or condition)
