"""The losses of one training: a panel for each phase, end to end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from epuredgm.reporting.figures.numbers import numbers, scale_for, set_scale, written
from epuredgm.reporting.figures.panel import (
    FAINT,
    INK,
    QUIET,
    SMALL,
    Chart,
    Panel,
    header_height,
    text_width,
    widest,
)
from epuredgm.reporting.study import Series

LEAST = 1.65  # inches of a phase, axis labels included
HEIGHT = 1.15  # inches of a phase's axes
KEY = "key"  # takes the line below the title
VALIDATION = "validation"  # this curve is drawn strong; others (the train loss) faint


@dataclass(frozen=True)
class TrainingChart:
    """See :func:`training_curves`."""

    model: str
    curves: Mapping[str, Series]
    title: str
    color: str

    def phases(self) -> dict[str, dict[str, Series]]:
        """Phase -> name of the curve -> curve, from names like ``prior/train``."""
        found: dict[str, dict[str, Series]] = {}
        for name, series in self.curves.items():
            phase, _, kind = name.rpartition("/")
            found.setdefault(phase, {})[kind] = series
        return found

    def height(self, width: float) -> float:
        """Inches."""
        lines = max(1, math.ceil(len(self.phases()) / self._across(width)))
        return header_height(self.title, width, KEY) + lines * (HEIGHT + 0.42) + 0.16

    def _across(self, width: float) -> int:
        """Phases side by side."""
        return max(1, min(int(width / LEAST), len(self.phases())))

    def draw(self, panel: Panel) -> None:
        """Phases in reading order; each has its own scales."""
        panel.header(self.title)
        phases = self.phases()
        if not phases:
            panel.text(0.05, panel.height - 0.6, "no curve was recorded", size=SMALL, alpha=QUIET)
            return
        self._draw_key(panel, list(dict.fromkeys(kind for own in phases.values() for kind in own)))
        across = self._across(panel.width)
        cell = panel.width / across
        top = panel.height - header_height(self.title, panel.width, KEY)
        for index, (phase, curves) in enumerate(phases.items()):
            line, column = divmod(index, across)
            bottom = top - (line + 1) * (HEIGHT + 0.42) + 0.24
            self._draw_phase(panel, (column * cell, bottom, cell), phase, curves)
        panel.text(panel.width - 0.05, 0.02, "steps", size=SMALL, ha="right", va="bottom")

    def _draw_key(self, panel: Panel, kinds: list[str]) -> None:
        """What the lines are, below the title."""
        y = panel.height - header_height(self.title, panel.width) - 0.05
        x = 0.05
        for kind in kinds:
            panel.line([x, x + 0.22], [y, y], color=self.color, **_style(kind))
            panel.text(x + 0.28, y, kind, size=SMALL, va="center", alpha=QUIET)
            x += 0.28 + text_width(kind, SMALL) + 0.2

    def _draw_phase(
        self, panel: Panel, place: tuple[float, float, float], phase: str, curves: Mapping[str, Series]
    ) -> None:
        left, bottom, width = place
        values = [value for series in curves.values() for value in _settled(series)]
        scale = "log" if scale_for(values) == "log" else "linear"  # a loss that changes sign is no power
        axes = panel.axes(left + 0.5, bottom, width - 0.65, HEIGHT)
        set_scale(axes, "y", scale, values, ticks=3)
        labels = [written(tick) for tick in axes.get_yticks()]
        margin = min(widest(labels, SMALL) + 0.12, 0.45 * width)
        axes.remove()
        axes = panel.axes(left + margin, bottom, width - margin - 0.22, HEIGHT)
        set_scale(axes, "y", scale, values, ticks=3)
        axes.grid(axis="y", color=INK, alpha=FAINT, linewidth=0.5)
        for kind, series in sorted(curves.items(), key=lambda item: item[0] == VALIDATION):
            heights = np.array([math.nan if each is None else each for each in series.values], dtype=float)
            mark = "o" if len(heights) < 3 else ""  # a single value makes no line
            axes.plot(series.steps, heights, color=self.color, marker=mark, markersize=4, **_style(kind))
        self._finish(axes, phase, curves)

    def _finish(self, axes: Axes, phase: str, curves: Mapping[str, Series]) -> None:
        steps = [step for series in curves.values() for step in series.steps]
        if steps and max(steps) > min(steps):
            axes.set_xlim(min(min(steps), 0), max(steps))
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
        if phase:
            axes.text(0.98, 0.98, phase, transform=axes.transAxes, size=SMALL, ha="right", va="top")


def _style(kind: str) -> dict[str, Any]:
    strong = kind == VALIDATION
    return {"linewidth": 1.8 if strong else 0.9, "alpha": 1.0 if strong else 0.55}


def _settled(series: Series) -> list[float]:
    """The values that the axis must hold: all but the first twentieth, where losses fall from anywhere."""
    values = numbers(series.values[len(series.values) // 20 :])
    if len(values) < 20:
        return values
    low, high = np.quantile(values, [0.005, 0.995])
    return [value for value in values if low <= value <= high]


def training_curves(model: str, curves: Mapping[str, Series], title: str, color: str = INK) -> Chart:
    """The losses of one run of one family.

    Args:
        model: the family.
        curves: ``<phase>/<name>``, or only the name if there is one phase, to the curve; ``validation`` is
            drawn strong. Values that are None or not finite leave a gap.
        title: above.
        color: the family's.
    """
    return TrainingChart(model, curves, title, color)
