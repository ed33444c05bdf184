"""Generated against real: two lines over one axis, or two histograms with the same bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from epuredgm.reporting.figures.numbers import numbers, written
from epuredgm.reporting.figures.panel import (
    FAINT,
    INK,
    LINE,
    QUIET,
    SMALL,
    Chart,
    Panel,
    header_height,
    text_width,
)

HEIGHT = 1.55  # inches of the axes
LEFT = 0.55
TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
DASHES = ((0, (3, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))


@dataclass(frozen=True)
class AgainstChart:
    """See :func:`against`."""

    title: str
    x: tuple[float, ...]
    real: tuple[float | None, ...]
    generated: Mapping[str, tuple[float | None, ...]]
    labels: tuple[str, str]
    color: str
    log: bool

    def height(self, width: float) -> float:
        """Inches."""
        return header_height(self.title, width) + LINE * (1 + len(self.generated)) + HEIGHT + 0.5

    def draw(self, panel: Panel) -> None:
        """The key below the title, real in ink, generated in the family's colour."""
        panel.header(self.title)
        top = panel.height - header_height(self.title, panel.width) - 0.05
        ink: dict[str, Any] = {"color": INK, "linewidth": 1.6, "alpha": 0.75}
        curves = [("real", self.real, ink)]
        for place, (name, values) in enumerate(self.generated.items()):
            line = "-" if place == 0 else DASHES[(place - 1) % len(DASHES)]
            curves.append((name, values, {"color": self.color, "linewidth": 1.6, "linestyle": line}))
        axes = panel.axes(LEFT, 0.42, panel.width - LEFT - 0.12, HEIGHT)
        found = numbers(value for _, values, _ in curves for value in values)
        for place, (name, values, looks) in enumerate(curves):
            y = top - place * LINE
            panel.line([0.07, 0.37], [y, y], **looks)
            panel.text(0.45, y, name, size=SMALL, va="center", alpha=QUIET)
            heights = np.array([np.nan if each is None else each for each in values], dtype=float)
            if len(self.x) == len(heights) + 1:
                axes.stairs(heights, self.x, **looks)
            else:
                axes.plot(self.x, heights, **looks)
        axes.grid(axis="y", color=INK, alpha=FAINT, linewidth=0.5)
        if self.log:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if tick <= max(self.x)]))
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(lambda value, _: written(value))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(lambda value, _: written(value))
        axes.set_xlim(min(self.x), max(self.x))
        if found and min(found) >= 0 and not self.log:
            axes.set_ylim(0, max(max(found) * 1.08, 1e-6))
        axes.set_xlabel(self.labels[0], labelpad=3)
        panel.text(
            panel.width - 0.05,
            panel.height - header_height(self.title, panel.width) - 0.05,
            self.labels[1] if text_width(self.labels[1], SMALL) < panel.width - 1.2 else "",
            size=SMALL,
            ha="right",
            va="center",
            alpha=QUIET,
        )


def against(
    title: str,
    x: Sequence[float],
    real: Sequence[float | None],
    generated: Mapping[str, Sequence[float | None]],
    labels: tuple[str, str],
    color: str = INK,
    log: bool = False,
) -> Chart:
    """Generated against real.

    Args:
        title: above.
        x: places of the values; one more than values where they are the edges of bins.
        real: values of real designs; None leaves a gap.
        generated: set of samples -> its values.
        labels: of both axes.
        color: the family's.
        log: whether ``x`` is shown on a logarithmic scale.
    """
    sets = {name: tuple(values) for name, values in generated.items()}
    return AgainstChart(title, tuple(x), tuple(real), sets, labels, color, log)
