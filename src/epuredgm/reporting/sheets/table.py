"""A table of the report on paper: what does not fit is left out and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from epuredgm.core.metrics import ARROWS
from epuredgm.reporting.figures.panel import INK, LINE, QUIET, Panel, text_width, wrapped
from epuredgm.reporting.palette import marker_of
from epuredgm.reporting.tables import Cell, Table

SIZE, FINE = 7.5, 6.5  # points
ROW = 0.2
PAD = 0.12


@dataclass(frozen=True)
class TableChart:
    """See the module; ``colors`` puts a family's marker beside its name."""

    table: Table
    colors: Mapping[str, str]

    def height(self, width: float) -> float:
        """Inches."""
        note = len(wrapped(self._note(width), width - 0.1, SIZE)) * LINE
        return self._heads(width) + ROW * (len(self._rows()) + 0.3) + note + 0.1

    def _rows(self) -> list[Sequence[Cell]]:
        return [*self.table.rows, *([self.table.foot] if self.table.foot else [])]

    def draw(self, panel: Panel) -> None:
        """Heads upright where they are wider than their columns; second lines where they fit."""
        widths, details = self._layout(panel.width)
        lefts = [0.05]
        for each in widths:
            lefts.append(lefts[-1] + each)
        top = panel.height - self._heads(panel.width)
        for column, width in enumerate(widths):
            self._draw_head(panel, column, lefts[column], width, top)
        panel.line([0.05, lefts[-1]], [top - 0.03] * 2, color=INK, linewidth=0.8)
        for row, cells in enumerate(self._rows()):
            y = top - ROW * (row + 0.75)
            if row == len(self.table.rows):
                panel.line([0.05, lefts[-1]], [y + 0.14] * 2, color=INK, linewidth=0.5, alpha=0.5)
            for column, width in enumerate(widths):
                self._draw_cell(panel, cells[column], (lefts[column], y, width), column, details[column])
        for number, line in enumerate(wrapped(self._note(panel.width), panel.width - 0.1, SIZE)):
            y = top - ROW * (len(self._rows()) + 0.9) - number * LINE
            panel.text(0.05, y, line, size=SIZE, alpha=QUIET, va="baseline")

    def _layout(self, width: float) -> tuple[list[float], list[bool]]:
        """Widths of the columns that fit, and which of them show second lines: the first ones.

        Heads lie where there is room for that.
        """
        count = len(self.table.heads)
        details = [True] * count
        widths = [self._width(column, True) for column in range(count)]
        for column in reversed(range(count)):
            if sum(widths) > width - 0.1:
                details[column] = False
                widths[column] = self._width(column, False)
        while len(widths) > 1 and sum(widths) > width - 0.1:
            widths.pop()
        level = [max(each, self._head_width(column)) for column, each in enumerate(widths)]
        if len(widths) == count and sum(level) <= width - 0.1:
            widths = level
        return widths, details[: len(widths)]

    def _width(self, column: int, detail: bool) -> float:
        cells = [row[column] for row in self._rows()]
        words = [self._marker(cell) + text_width(cell.text, SIZE, cell.best) for cell in cells]
        fine = [text_width("  " + cell.detail, FINE) if detail and cell.detail else 0.0 for cell in cells]
        return max((a + b for a, b in zip(words, fine, strict=True)), default=0.2) + PAD

    def _marker(self, cell: Cell) -> float:
        return 0.16 if cell.model in self.colors else 0.0

    def _head_words(self, column: int) -> str:
        head = self.table.heads[column]
        return f"{head.label} {ARROWS[head.better]}".rstrip() if head.better else head.label

    def _head_width(self, column: int) -> float:
        return text_width(self._head_words(column), SIZE) + PAD

    def _upright(self, column: int, width: float) -> bool:
        return text_width(self._head_words(column), SIZE) > width - PAD / 2

    def _heads(self, width: float) -> float:
        widths, _ = self._layout(width)
        tall = [
            text_width(self._head_words(column), SIZE)
            for column, each in enumerate(widths)
            if self._upright(column, each)
        ]
        return max(tall, default=0.1) + 0.12

    def _draw_head(self, panel: Panel, column: int, left: float, width: float, top: float) -> None:
        words, upright = self._head_words(column), self._upright(column, width)
        right = self.table.heads[column].numeric
        x = left + width - PAD if right else left
        if upright:
            panel.text(
                x, top + 0.02, words, size=SIZE, rotation=90, ha="right" if right else "left", va="bottom"
            )
        else:
            panel.text(x, top + 0.03, words, size=SIZE, ha="right" if right else "left", va="baseline")

    def _draw_cell(
        self, panel: Panel, cell: Cell, place: tuple[float, float, float], column: int, detail: bool
    ) -> None:
        left, y, width = place
        weight = "bold" if cell.best else "normal"
        if self.table.heads[column].numeric:
            right = left + width - PAD
            if detail and cell.detail:
                panel.text(right, y, cell.detail, size=FINE, alpha=QUIET, ha="right", va="baseline")
            behind = max((self._fine(row[column]) for row in self._rows()), default=0.0) if detail else 0.0
            panel.text(right - behind, y, cell.text, size=SIZE, weight=weight, ha="right", va="baseline")
            return
        if cell.model in self.colors:
            color = self.colors[cell.model]
            panel.line([left + 0.06], [y + 0.035], color=color, marker=marker_of(color), markersize=4.5)
        left += self._marker(cell)
        panel.text(left, y, cell.text, size=SIZE, weight=weight, va="baseline")
        if detail and cell.detail:
            left += text_width(cell.text + "  ", SIZE)
            panel.text(left, y, cell.detail, size=FINE, alpha=QUIET, va="baseline")

    def _fine(self, cell: Cell) -> float:
        return text_width("  " + cell.detail, FINE) if cell.detail else 0.0

    def _note(self, width: float) -> str:
        widths, details = self._layout(width)
        left_out = len(self.table.heads) - len(widths)
        words = [self.table.caption] if self.table.caption else []
        if left_out or not all(details):
            words.append("The page report.html shows all columns and intervals.")
        return " ".join(words)
