"""Which families differ: paired differences, and whether they are more than noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from epuredgm.reporting.figures.grid import Grid
from epuredgm.reporting.figures.numbers import known
from epuredgm.reporting.figures.panel import QUIET, SMALL, TEXT, Chart, Panel, header_height

GOOD, BAD = "#2c7be5", "#de7602"  # blue and orange: told apart by every eye; the signs say the same
WORDS = {1: "+ row is better", -1: "− column is better", 0: "≈ not told apart"}
ONE_TRAINING = "≈ not told apart: one training each"


@dataclass(frozen=True)
class Difference:
    """Figure of ``a`` less figure of ``b`` on the same requests, and whether it is more than noise.

    ``differ`` is None where that cannot be told.
    """

    a: str
    b: str
    difference: float | None
    differ: bool | None = None


@dataclass(frozen=True)
class DifferenceChart:
    """See :func:`difference_matrix`."""

    models: tuple[str, ...]
    differences: tuple[Difference, ...]
    better: str
    title: str

    def _grid(self) -> Grid:
        return Grid(self.models, self.models)

    def height(self, width: float) -> float:
        """Inches."""
        return header_height(self.title, width, self._note()) + self._grid().height() + 0.08

    def draw(self, panel: Panel) -> None:
        """A sign for each pair, coloured where two families differ."""
        panel.header(self.title, self._note())
        axes = self._grid().axes(panel, 0.05)
        verdicts = self.verdicts()
        for row, a in enumerate(self.models):
            for column, b in enumerate(self.models):
                _draw_cell(axes, row, column, None if a == b else verdicts.get((a, b)))

    def verdicts(self) -> dict[tuple[str, str], int]:
        """(row, column) -> 1 if the row is better, -1 if the column is, 0 if they are not told apart."""
        found: dict[tuple[str, str], int] = {}
        for each in self.differences:
            if not known(each.difference):
                continue
            sign = 0 if not each.differ else 1 if each.difference > 0 else -1
            found[each.a, each.b] = -sign if self.better == "lower" else sign
            found[each.b, each.a] = -found[each.a, each.b]
        return found

    def _note(self) -> str:
        if all(each.differ is None for each in self.differences):
            return ONE_TRAINING
        return ";   ".join(WORDS[verdict] for verdict in (1, -1, 0))


def _draw_cell(axes: Axes, row: int, column: int, verdict: int | None) -> None:
    if verdict is None:
        axes.text(column, row, "·", size=SMALL, alpha=QUIET, ha="center", va="center_baseline")
        return
    if verdict:
        cell = Rectangle((column - 0.47, row - 0.46), 0.94, 0.92)
        cell.set(facecolor=GOOD if verdict > 0 else BAD, alpha=0.5, linewidth=0)
        axes.add_patch(cell)
    sign = WORDS[verdict].split()[0]
    axes.text(
        column,
        row,
        sign,
        size=TEXT,
        alpha=1.0 if verdict else QUIET,
        ha="center",
        va="center_baseline",
    )


def difference_matrix(
    models: Sequence[str],
    differences: Sequence[Difference],
    better: str = "lower",
    title: str = "Paired differences",
) -> Chart:
    """Who is better than whom, for all pairs of families.

    Args:
        models: rows and columns, in the order given.
        differences: one for each pair, in either order; a pair without one stays empty.
        better: ``lower`` or ``higher`` figures.
        title: above.
    """
    return DifferenceChart(tuple(models), tuple(differences), better, title)
