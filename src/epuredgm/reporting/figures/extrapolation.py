"""Asked for more than was learned: how far designs are off, inside and outside the range of train designs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from epuredgm.reporting.figures.numbers import known, numbers, spread
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
    widest,
)
from epuredgm.reporting.palette import marker_of

ERROR, VALID = 2.2, 0.75  # inches of the two axes
LEFT = 0.68  # inches for their labels


@dataclass(frozen=True)
class Bin:
    """Designs for which about the same was asked.

    Attributes:
        asked: what was asked for, mean over the bin.
        mean: what was measured, mean over the bin; None if nothing could be.
        low, high: its interval.
        valid: share of valid designs, or None.
    """

    asked: float
    mean: float | None
    low: float | None = None
    high: float | None = None
    valid: float | None = None


@dataclass(frozen=True)
class ExtrapolationChart:
    """See :func:`extrapolation_curve`."""

    condition: str
    unit: str
    curves: Mapping[str, tuple[Bin, ...]]
    train_range: tuple[float, float] | None
    colors: Mapping[str, str]
    title: str

    def height(self, width: float) -> float:
        """Inches."""
        below = VALID + 0.16 if self._has_valid() else 0.0
        return header_height(self.title, width) + LINE + ERROR + below + 0.45

    def draw(self, panel: Panel) -> None:
        """The error above, the share of valid designs below, names at the right ends of the lines."""
        panel.header(self.title)
        right = widest(list(self.curves), SMALL) + 0.32
        width = panel.width - LEFT - right
        below = VALID + 0.16 if self._has_valid() else 0.0
        axes = panel.axes(LEFT, 0.42 + below, width, ERROR)
        self._draw_error(axes)
        last = axes
        if self._has_valid():
            last = panel.axes(LEFT, 0.42, width, VALID)
            self._draw_valid(last)
            axes.tick_params(labelbottom=False)
        for each in {axes, last}:
            self._draw_range(each, named=each is axes)
            each.xaxis.set_major_locator(MaxNLocator(5))
        last.set_xlabel(f"{self.condition} asked for" + (f" ({self.unit})" if self.unit else ""), labelpad=3)
        self._draw_names(axes)

    def _has_valid(self) -> bool:
        return any(known(each.valid) for bins in self.curves.values() for each in bins)

    def _draw_error(self, axes: Axes) -> None:
        asked = [each.asked for bins in self.curves.values() for each in bins]
        errors = [0.0]
        for model, bins in self.curves.items():
            color = self.colors.get(model, INK)
            x = np.array([each.asked for each in bins])
            mean, low, high = (
                _array([getattr(each, key) for each in bins]) - x for key in ("mean", "low", "high")
            )
            errors += [*mean, *low, *high]
            axes.fill_between(x, low, high, color=color, alpha=FAINT, linewidth=0)
            axes.plot(x, mean, color=color, marker=marker_of(color), markersize=3.6, linewidth=1.2)
        found = numbers(errors)
        room = 0.08 * (max(found) - min(found)) or 1.0
        axes.set_ylim(min(*found, -1.0) - room, max(*found, 1.0) + room)
        _set_span(axes, asked)
        axes.axhspan(-1, 1, color=INK, alpha=FAINT / 2, linewidth=0)
        axes.axhline(0, color=INK, alpha=SOFT, linewidth=0.8)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_ylabel("measured − asked" + (f" ({self.unit})" if self.unit else ""), labelpad=3)

    def _draw_valid(self, axes: Axes) -> None:
        for model, bins in self.curves.items():
            color = self.colors.get(model, INK)
            shares = _array([each.valid for each in bins])
            axes.plot([each.asked for each in bins], shares, color=color, linewidth=1.2)
        _set_span(axes, [each.asked for bins in self.curves.values() for each in bins])
        axes.set_ylim(-0.04, 1.04)
        axes.set_yticks([0, 0.5, 1])
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("valid", labelpad=3)

    def _draw_range(self, axes: Axes, named: bool) -> None:
        """What lies outside the train designs is shaded."""
        if self.train_range is None or not np.isfinite(self.train_range).all():
            return
        left, right = axes.get_xlim()
        low, high = (min(max(end, left), right) for end in self.train_range)
        for start, end in ((left, low), (high, right)):
            axes.axvspan(start, end, color=INK, alpha=FAINT / 2, linewidth=0)
        for end in (low, high):
            axes.axvline(end, color=INK, alpha=SOFT, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.set_xlim(left, right)
        if named:
            axes.text(
                (low + high) / 2,
                1.01,
                "train designs",
                transform=axes.get_xaxis_transform(),
                size=SMALL,
                alpha=QUIET,
                ha="center",
                va="bottom",
            )

    def _draw_names(self, axes: Axes) -> None:
        """Each name beside the end of its line, moved up or down where they would collide."""
        ends = {}
        for model, bins in self.curves.items():
            errors = [(each.asked, each.mean - each.asked) for each in bins if each.mean is not None]
            finite = [(x, y) for x, y in errors if math.isfinite(y)]
            ends[model] = finite[-1] if finite else (axes.get_xlim()[1], 0.0)
        to_axes = axes.transData + axes.transAxes.inverted()
        places = {model: to_axes.transform(end) for model, end in ends.items()}
        gap = 0.135 / ERROR
        heights = spread([place[1] for place in places.values()], gap, 0.02, 0.98)
        inches = axes.get_position().width * axes.get_figure(root=True).get_size_inches()[0]  # type: ignore[union-attr]
        for (model, (x, y)), height in zip(places.items(), heights, strict=True):
            color = self.colors.get(model, INK)
            edge = 1 + 0.2 / inches
            axes.plot(
                [x, edge - 0.03 / inches],
                [y, height],
                transform=axes.transAxes,
                color=color,
                alpha=SOFT,
                linewidth=0.6,
                clip_on=False,
            )
            axes.text(
                edge,
                height,
                model,
                transform=axes.transAxes,
                size=SMALL,
                va="center_baseline",
            )


def _array(values: Sequence[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _set_span(axes: Axes, asked: Sequence[float]) -> None:
    if asked and max(asked) > min(asked):
        room = 0.03 * (max(asked) - min(asked))
        axes.set_xlim(min(asked) - room, max(asked) + room)


def extrapolation_curve(
    condition: str,
    unit: str,
    curves: Mapping[str, Sequence[Bin]],
    train_range: Sequence[float] | None,
    colors: Mapping[str, str],
    title: str = "",
) -> Chart:
    """How far, for each family, designs are from what was asked, and how many of them are valid.

    The error is drawn, not what was measured: families differ by a pixel where requests differ by forty.
    What lies outside the range of train designs is shaded; the band around 0 is one unit wide on each side.

    Args:
        condition: its name.
        unit: its unit; may be empty.
        curves: family -> bins in the order of what was asked.
        train_range: smallest and largest value among train designs, or None.
        colors: family -> colour.
        title: above; made from the condition's name if empty.
    """
    own = {model: tuple(bins) for model, bins in curves.items()}
    span = (float(train_range[0]), float(train_range[1])) if train_range is not None else None
    words = title or f"{condition}, asked beyond the train designs"
    return ExtrapolationChart(condition, unit, own, span, colors, words)
