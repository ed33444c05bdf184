"""Headings and paragraphs, as charts: they take a place on a panel like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from epuredgm.reporting.figures.panel import FAINT, INK, QUIET, SMALL, TEXT, Panel, text_width, wrapped
from epuredgm.reporting.palette import marker_of

LEADING = 1.45  # line height over text size


@dataclass(frozen=True)
class Heading:
    """A title over a thin rule; ``color`` puts a family's marker before it, ``note`` stands on the right."""

    words: str
    size: float = 15.0
    color: str | None = None
    note: str = ""

    def height(self, width: float) -> float:
        """Inches."""
        return self.size * LEADING / 72 + 0.16

    def draw(self, panel: Panel) -> None:
        """Words at the bottom, the rule below."""
        left = 0.05
        middle = 0.13 + self.size * 0.36 / 72
        if self.color is not None:
            panel.line(
                [left + 0.07],
                [middle],
                color=self.color,
                marker=marker_of(self.color),
                markersize=self.size * 0.6,
            )
            left += 0.24
        panel.text(left, 0.13, self.words, size=self.size, weight="bold", va="baseline")
        panel.text(panel.width - 0.05, 0.13, self.note, size=SMALL, alpha=QUIET, ha="right", va="baseline")
        panel.line([0.05, panel.width - 0.05], [0.05, 0.05], color=INK, alpha=FAINT, linewidth=0.8)


@dataclass(frozen=True)
class Paragraph:
    """Running text; a line that starts bold may come first."""

    words: str
    size: float = TEXT
    alpha: float = 1.0
    bold: bool = False

    def _lines(self, width: float) -> list[str]:
        return [
            line
            for part in self.words.split("\n")
            for line in wrapped(part, width - 0.1, self.size, self.bold) or [""]
        ]

    def height(self, width: float) -> float:
        """Inches."""
        return len(self._lines(width)) * self.size * LEADING / 72 + 0.06

    def draw(self, panel: Panel) -> None:
        """From the top."""
        top = panel.height - self.size / 72
        for line in self._lines(panel.width):
            weight = "bold" if self.bold else "normal"
            panel.text(0.05, top, line, size=self.size, alpha=self.alpha, weight=weight, va="baseline")
            top -= self.size * LEADING / 72


@dataclass(frozen=True)
class Facts:
    """Names and what they are, a line each."""

    entries: Sequence[tuple[str, str]]

    def height(self, width: float) -> float:
        """Inches."""
        return sum(len(self._lines(words, width)) for _, words in self.entries) * self._step() + 0.06

    def _step(self) -> float:
        return TEXT * LEADING / 72

    def _left(self) -> float:
        return max((text_width(name, TEXT) for name, _ in self.entries), default=0.0) + 0.25

    def _lines(self, words: str, width: float) -> list[str]:
        return wrapped(words, width - self._left() - 0.1, TEXT) or [""]

    def draw(self, panel: Panel) -> None:
        """Names quiet, words beside them."""
        top = panel.height - TEXT / 72
        for name, words in self.entries:
            panel.text(0.05, top, name, size=TEXT, alpha=QUIET, va="baseline")
            for line in self._lines(words, panel.width):
                panel.text(self._left(), top, line, size=TEXT, va="baseline")
                top -= self._step()
