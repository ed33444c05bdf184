"""A panel: the piece of a figure on which one chart is drawn, measured in inches from its lower left corner.

A chart knows no page: alone it becomes a figure of its own (:func:`drawn`), and a page holds several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

WIDTH = 4.0
"""Inches: as wide as a card of a page on a phone's screen, so that text keeps its size there."""
INK = "#010203"
"""Axes and text; a colour that nothing else has, since it follows the reader's theme where it can."""
FAINT, SOFT, QUIET = 0.13, 0.45, 0.7
"""Opacities of ink: areas and grids; lines of reference; text that may be overlooked."""
TITLE, TEXT, SMALL = 10.5, 9.0, 8.5
"""Text sizes in points."""
LINE = 0.17
"""Inches from one line of text to the next."""
FAMILY = ["DejaVu Sans"]  # comes with matplotlib: the same shapes and widths everywhere

STYLE: dict[str, Any] = {
    "font.family": FAMILY,
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "text.usetex": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": SMALL,
    "axes.facecolor": "none",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "axes.grid": False,
    "figure.facecolor": "none",
    "figure.dpi": 72.0,
    "savefig.facecolor": "none",
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "lines.solid_capstyle": "round",
    "lines.linewidth": 1.4,
}


@dataclass(frozen=True)
class Panel:
    """A rectangle of a figure: where its lower left corner is, and its size, all in inches."""

    figure: Figure
    left: float
    bottom: float
    width: float
    height: float

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes at a place of the panel (inches)."""
        across, up = self.figure.get_size_inches()
        place = (
            (self.left + left) / across,
            (self.bottom + bottom) / up,
            max(width, 0.1) / across,
            max(height, 0.1) / up,
        )
        return self.figure.add_axes(place)

    def text(self, x: float, y: float, words: str, **looks: Any) -> Text:
        """Words at a place of the panel (inches); ``looks`` as matplotlib's ``Text`` takes it."""
        across, up = self.figure.get_size_inches()
        return self.figure.text((self.left + x) / across, (self.bottom + y) / up, words, **looks)

    def line(self, x: Sequence[float], y: Sequence[float], **looks: Any) -> None:
        """A line through places of the panel (inches)."""
        across, up = self.figure.get_size_inches()
        place = [(self.left + each) / across for each in x], [(self.bottom + each) / up for each in y]
        self.figure.add_artist(Line2D(*place, **looks))

    def header(self, title: str, note: str = "") -> None:
        """A title in as many lines as it needs, and a quiet line below it; see :func:`header_height`."""
        top = self.height - 0.02
        for words in wrapped(title, self.width - 0.1, TITLE, bold=True):
            self.text(0.05, top, words, size=TITLE, weight="bold", va="top")
            top -= LINE + 0.01
        for words in wrapped(note, self.width - 0.1, SMALL):
            self.text(0.05, top - 0.02, words, size=SMALL, va="top", alpha=QUIET)
            top -= LINE - 0.01


class Chart(Protocol):
    """Something that can be drawn on a panel of any width."""

    def height(self, width: float) -> float:
        """Inches that it needs on a panel of a width."""

    def draw(self, panel: Panel) -> None:
        """Draw it; the panel has the height that was asked for, or more."""


def drawn(chart: Chart, width: float = WIDTH) -> Figure:
    """A figure that holds one chart and nothing else. No global setting of matplotlib changes."""
    with style.context(STYLE):
        height = chart.height(width)
        figure = Figure(figsize=(width, height))
        chart.draw(Panel(figure, 0.0, 0.0, width, height))
        return figure


def header_height(title: str, width: float, note: str = "") -> float:
    """Inches that :meth:`Panel.header` takes, with a gap below."""
    lines = len(wrapped(title, width - 0.1, TITLE, bold=True))
    notes = len(wrapped(note, width - 0.1, SMALL))
    return lines * (LINE + 0.01) + notes * (LINE - 0.01) + (0.2 if notes else 0.08)


@lru_cache(maxsize=4096)
def text_width(words: str, size: float, bold: bool = False) -> float:
    """Inches that a line of text takes, at most: at small sizes renderers round up to whole pixels."""
    font = FontProperties(family=FAMILY, size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(words, font, ismath=False)
    return 1.04 * float(width) / 72


def widest(words: Sequence[str], size: float) -> float:
    """Inches of the longest of some lines of text."""
    return max((text_width(each, size) for each in words), default=0.0)


def wrapped(words: str, width: float, size: float, bold: bool = False) -> list[str]:
    """Lines of at most ``width`` inches; a word that is longer has a line of its own."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
