"""Quality against cost: a point for each family, with its name beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from matplotlib.axes import Axes
from matplotlib.transforms import Affine2D, Bbox

from epuredgm.reporting.figures.numbers import known, numbers, scale_for, set_scale, written
from epuredgm.reporting.figures.panel import (
    FAINT,
    INK,
    LINE,
    QUIET,
    SMALL,
    SOFT,
    Chart,
    Panel,
    header_height,
    text_width,
    widest,
    wrapped,
)
from epuredgm.reporting.palette import marker_of

HEIGHT = 2.9  # inches of the axes
MARK = 0.055  # inches from a point to its edge


@dataclass(frozen=True)
class Point:
    """A family: seconds per 1000 designs, quality and its interval, parameters; None where unknown."""

    model: str
    seconds_per_1000: float | None
    quality: float | None
    low: float | None = None
    high: float | None = None
    parameters: float | None = None


@dataclass(frozen=True)
class Shown:
    """A family that has a place on the chart."""

    point: Point
    seconds: float
    quality: float


@dataclass(frozen=True)
class CostChart:
    """See :func:`quality_cost`."""

    points: tuple[Point, ...]
    quality_name: str
    colors: Mapping[str, str]
    better: str
    title: str

    def height(self, width: float) -> float:
        """Inches."""
        lost = wrapped(self._lost(), width - 0.1, SMALL)
        return header_height(self.title, width, self._note()) + LINE + HEIGHT + 0.45 + len(lost) * LINE

    def draw(self, panel: Panel) -> None:
        """Points, then names where there is room for them."""
        panel.header(self.title, self._note())
        shown = self.shown()
        lost = wrapped(self._lost(), panel.width - 0.1, SMALL)
        for line, words in enumerate(reversed(lost)):
            panel.text(0.05, 0.03 + line * LINE, words, size=SMALL, alpha=QUIET, va="bottom")
        values = [value for each in shown for value in (each.quality, each.point.low, each.point.high)]
        scale = scale_for([each.quality for each in shown])
        if scale == "log":
            values = [value for value in numbers(values) if value > 0]
        place = (0.42 + len(lost) * LINE, HEIGHT)
        axes = panel.axes(0.5, place[0], panel.width - 0.65, place[1])
        set_scale(axes, "y", scale, values)
        margin = widest([written(tick) for tick in axes.get_yticks()], SMALL) + 0.32
        axes.remove()
        width = panel.width - margin - 0.15
        axes = panel.axes(margin, place[0], width, place[1])
        set_scale(axes, "y", scale, values)
        set_scale(axes, "x", "log", [each.seconds for each in shown] or [1.0, 10.0], ticks=5)
        axes.grid(color=INK, alpha=FAINT, linewidth=0.5)
        self._draw_points(axes, shown)
        self._draw_names(axes, shown, width)
        axes.set_xlabel("seconds per 1000 designs", labelpad=3)
        axes.set_ylabel(self.quality_name, labelpad=3)

    def shown(self) -> list[Shown]:
        """Families that have a place: a positive time and a quality."""
        return [
            Shown(point, seconds, quality)
            for point in self.points
            if known(quality := point.quality) and known(seconds := point.seconds_per_1000) and seconds > 0
        ]

    def _lost(self) -> str:
        shown = {each.point.model for each in self.shown()}
        lost = [point.model for point in self.points if point.model not in shown]
        return f"Without a time or a value: {', '.join(lost)}" if lost else ""

    def _note(self) -> str:
        corner = "↙" if self.better == "lower" else "↖"
        return f"{corner} better and faster; (millions of parameters)"

    def _draw_points(self, axes: Axes, shown: Sequence[Shown]) -> None:
        for each in shown:
            color = self.colors.get(each.point.model, INK)
            x = each.seconds
            if known(each.point.low) and known(each.point.high):
                ends = [each.point.low, each.point.high]
                axes.plot([x, x], ends, color=color, alpha=0.55, linewidth=2.2)
            axes.plot([x], [each.quality], color=color, marker=marker_of(color), markersize=7)

    def _draw_names(self, axes: Axes, shown: Sequence[Shown], width: float) -> None:
        """Greedy: the free place nearest to its point; a thin line leads there if it is not beside it."""
        to_inches = axes.transData + axes.transAxes.inverted() + Affine2D().scale(width, HEIGHT)
        taken, lines = [], []
        for each in shown:
            x, y = to_inches.transform((each.seconds, each.quality))
            taken.append(Bbox.from_extents(x - MARK, y - MARK, x + MARK, y + MARK))
            if known(each.point.low) and known(each.point.high):
                ends = to_inches.transform([(each.seconds, each.point.low), (each.seconds, each.point.high)])
                lines.append(Bbox.from_extents(x - 0.015, ends[0][1], x + 0.015, ends[1][1]))
        for each in shown:
            x, y = to_inches.transform((each.seconds, each.quality))
            words = _label(each.point)
            size = text_width(words, SMALL), 0.13
            place = float(x), float(y), size, (width, HEIGHT)
            near = _free(*place, [*taken, *lines], rings=3)  # not on an interval, if that is possible nearby
            box = next(chain(near, _free(*place, taken, rings=24)), None)
            if box is not None:
                taken.append(box)
                self._draw_name(axes, each.point, words, (float(x), float(y)), box, width)

    def _draw_name(
        self, axes: Axes, point: Point, words: str, at: tuple[float, float], box: Bbox, width: float
    ) -> None:
        color = self.colors.get(point.model, INK)
        near = min(max(at[0], box.x0), box.x1), min(max(at[1], box.y0), box.y1)
        if math.hypot(near[0] - at[0], near[1] - at[1]) > 0.15:
            axes.plot(
                [at[0] / width, near[0] / width],
                [at[1] / HEIGHT, near[1] / HEIGHT],
                transform=axes.transAxes,
                color=color,
                alpha=SOFT,
                linewidth=0.6,
            )
        axes.text(
            box.x0 / width,
            (box.y0 + box.y1) / 2 / HEIGHT,
            words,
            transform=axes.transAxes,
            size=SMALL,
            va="center_baseline",
        )


def _label(point: Point) -> str:
    return f"{point.model} ({_millions(point.parameters)})" if known(point.parameters) else point.model


def _millions(parameters: float | None) -> str:
    return written(parameters / 1e6, 2, pad=True) if parameters is not None else written(None)


def _free(
    x: float,
    y: float,
    size: tuple[float, float],
    room: tuple[float, float],
    taken: Sequence[Bbox],
    rings: int,
) -> Iterator[Bbox]:
    """Boxes around a point, nearest first, that touch nothing and lie in the axes (inches)."""
    across, up = size
    frame = Bbox.from_extents(-0.02, 0.0, room[0] + 0.05, room[1] + 0.15)
    for ring in range(rings):
        for turn in range(16):
            angle = 2 * math.pi * turn / 16
            away = 0.09 + 0.11 * ring
            middle_x = x + math.cos(angle) * (away + across / 2)
            middle_y = y + math.sin(angle) * (away + up / 2)
            box = Bbox.from_bounds(middle_x - across / 2, middle_y - up / 2, across, up)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(box.overlaps(other) for other in taken):
                yield box


def quality_cost(
    points: Sequence[Point],
    quality_name: str,
    colors: Mapping[str, str],
    better: str = "lower",
    title: str = "Quality against cost",
) -> Chart:
    """A point for each family; the time axis is logarithmic. Families without a point are named below.

    Args:
        points: one a family.
        quality_name: of the vertical axis, with its unit.
        colors: family -> colour.
        better: ``lower`` or ``higher`` quality figures.
        title: above.
    """
    return CostChart(tuple(points), quality_name, colors, better, title)
