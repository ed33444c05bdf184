"""Who is where in what: the place of each family in each figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.patches import Rectangle

from epuredgm.reporting.figures.grid import CELL, Grid
from epuredgm.reporting.figures.numbers import known, written
from epuredgm.reporting.figures.panel import SMALL, Chart, Panel, header_height

GOOD = "#1f9e89"
STRENGTH = 0.6  # opacity of the first place; ink stays readable on it, dark on light and light on dark


@dataclass(frozen=True)
class RankChart:
    """See :func:`rank_heat`."""

    models: tuple[str, ...]
    headlines: tuple[str, ...]
    places: Mapping[str, Mapping[str, float]]
    title: str

    def _grid(self) -> Grid:
        return Grid(self.models, tuple(name.replace("_", " ") for name in self.headlines))

    def height(self, width: float) -> float:
        """Inches."""
        return header_height(self.title, width, self._note()) + self._grid().height() + 0.08

    def draw(self, panel: Panel) -> None:
        """The better the place, the stronger the cell."""
        panel.header(self.title, self._note())
        axes = self._grid().axes(panel, 0.05)
        width = (axes.get_position().width * panel.figure.get_size_inches()[0]) / max(len(self.headlines), 1)
        size = min(SMALL, max(5.0, SMALL * width / CELL))
        for row, model in enumerate(self.models):
            for column, headline in enumerate(self.headlines):
                place = self.places.get(model, {}).get(headline)
                if known(place):
                    behind = (place - 1) / max(len(self.models) - 1, 1)
                    alpha = STRENGTH * max(1 - behind, 0.0) ** 1.6
                    cell = Rectangle((column - 0.47, row - 0.46), 0.94, 0.92)
                    cell.set(facecolor=GOOD, alpha=alpha, linewidth=0)
                    axes.add_patch(cell)
                text = written(place, 2)
                axes.text(column, row, text, size=size, ha="center", va="center_baseline")

    def _note(self) -> str:
        return "1 is best; equal values share their mean place"


def rank_heat(
    models: Sequence[str],
    headlines: Sequence[str],
    places: Mapping[str, Mapping[str, float]],
    title: str = "Places",
) -> Chart:
    """The place of each family (row, in the order given) in each figure (column).

    Args:
        models: rows.
        headlines: columns.
        places: family -> headline -> place from 1; a dash where there is none.
        title: above.
    """
    return RankChart(tuple(models), tuple(headlines), places, title)
