"""One figure of all families: a dot and an interval for each, best first, and the floor of real designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from epuredgm.reporting.figures.numbers import known, numbers, scale_for, set_scale, written
from epuredgm.reporting.figures.panel import (
    FAINT,
    INK,
    LINE,
    QUIET,
    SMALL,
    SOFT,
    TEXT,
    Chart,
    Panel,
    header_height,
    text_width,
    widest,
)
from epuredgm.reporting.palette import marker_of

ROW = 0.25  # inches from one family to the next
FLOOR = "real designs"
MISSING = "no value"


@dataclass(frozen=True)
class Row:
    """A family's value and its interval; None where there is none."""

    model: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class MetricChart:
    """See :func:`metric_chart`."""

    title: str
    unit: str
    better: str
    rows: tuple[Row, ...]
    floor: float | None
    floor_std: float | None
    colors: Mapping[str, str]

    def height(self, width: float) -> float:
        """Inches."""
        return header_height(self.title, width) + self._above() + ROW * max(len(self.rows), 1) + 0.47

    def draw(self, panel: Panel) -> None:
        """Names on the left, values on the right, the scale between them."""
        panel.header(self.title)
        rows = self.sorted_rows()
        left = widest([row.model for row in rows], TEXT) + 0.17
        right = widest([written(row.value, pad=True) for row in rows], SMALL) + 0.15
        height = ROW * max(len(rows), 1)
        axes = panel.axes(left, 0.42, panel.width - left - right, height)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), [row.model for row in rows], fontsize=TEXT)
        axes.tick_params(axis="y", length=0, pad=6)
        axes.spines["left"].set_visible(False)
        values = [row.value for row in rows]
        scale = scale_for(values)
        ends = [end for row in rows for end in (row.low, row.high)]
        if scale == "log":  # an interval may reach 0, which a logarithmic axis does not have
            ends = [end for end in numbers(ends) if end > min(numbers(values)) / 10]
        floor = self.floor if scale != "log" or (self.floor or 0) > 0 else None
        set_scale(axes, "x", scale, [*values, *ends, floor])
        axes.grid(axis="x", color=INK, alpha=FAINT, linewidth=0.5)
        self._draw_floor(axes, floor, panel.width - left - right)
        for position, row in enumerate(rows):
            self._draw_row(axes, position, row)
        better = {"lower": "← lower is better", "higher": "higher is better →"}.get(self.better, "")
        axes.set_xlabel(" · ".join(part for part in (self.unit, better) if part), labelpad=3)

    def sorted_rows(self) -> list[Row]:
        """Best first, lowest first where no way is better; those without a value last; equal ones by name."""
        sign = -1 if self.better == "higher" else 1
        keys = {row: sign * row.value if known(row.value) else float("inf") for row in self.rows}
        return sorted(self.rows, key=lambda row: (keys[row], row.model))

    def _above(self) -> float:
        return LINE if known(self.floor) else 0.03

    def _draw_floor(self, axes: Axes, floor: float | None, inches: float) -> None:
        if not known(floor):
            return
        if known(self.floor_std):
            axes.axvspan(floor - self.floor_std, floor + self.floor_std, color=INK, alpha=FAINT, linewidth=0)
        axes.axvline(floor, color=INK, alpha=SOFT, linewidth=0.9, linestyle=(0, (3, 2)))
        place = axes.transAxes.inverted().transform(axes.transData.transform((floor, 0)))[0]
        half = min(text_width(FLOOR, SMALL) / 2 / inches, 0.5)
        axes.text(
            min(max(place, half), 1 - half),
            1.0,
            FLOOR,
            transform=axes.transAxes,
            size=SMALL,
            alpha=QUIET,
            ha="center",
            va="bottom",
        )

    def _draw_row(self, axes: Axes, position: int, row: Row) -> None:
        axes.text(
            1.0,
            position,
            "  " + written(row.value, pad=True),
            transform=axes.get_yaxis_transform(),
            size=SMALL,
            va="center_baseline",
        )
        if not known(row.value):
            axes.text(
                0.02,
                position,
                MISSING,
                transform=axes.get_yaxis_transform(),
                size=SMALL,
                style="italic",
                alpha=QUIET,
                va="center_baseline",
            )
            return
        color = self.colors.get(row.model, INK)
        if known(row.low) and known(row.high):
            axes.plot([row.low, row.high], [position, position], color=color, alpha=0.55, linewidth=2.6)
        axes.plot(
            [row.value],
            [position],
            color=color,
            marker=marker_of(color),
            markersize=6.5,
            linestyle="none",
            clip_on=False,
        )


def metric_chart(
    title: str,
    unit: str,
    better: str,
    rows: Sequence[Row],
    floor: float | None,
    floor_std: float | None,
    colors: Mapping[str, str],
) -> Chart:
    """One figure of all families.

    Values that span more than two powers of ten get a logarithmic axis. A family without a value keeps its
    row.

    Args:
        title: what the figure is.
        unit: of the axis; may be empty.
        better: ``lower``, ``higher`` or ``neither``.
        rows: one a family.
        floor: the same figure of real designs, drawn as a line, or None.
        floor_std: its standard deviation, drawn as a band, or None.
        colors: family -> colour.
    """
    return MetricChart(title, unit, better, tuple(rows), floor, floor_std, colors)
