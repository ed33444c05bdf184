"""Charts onto pages: two columns or one, in order, none cut."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib import style
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from epuredgm.reporting.figures.panel import QUIET, SMALL, STYLE, Chart, Panel, text_width

ACROSS, UP = 8.27, 11.69  # A4, inches
MARGIN, FOOT = 0.6, 0.75
GUTTER, GAP = 0.3, 0.14
PRINT = {
    **STYLE,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,
    "pdf.compression": 9,
}


@dataclass(frozen=True)
class Block:
    """A chart of a document.

    Attributes:
        chart: what.
        half: it takes one of two columns; the next half block stands beside it.
        keep: it stays on one page with what follows (headings).
        fresh: it starts a page.
    """

    chart: Chart
    half: bool = False
    keep: bool = False
    fresh: bool = False


@dataclass(frozen=True)
class Place:
    """Where a chart stands: inches from the page's lower left corner."""

    chart: Chart
    left: float
    bottom: float
    width: float
    height: float


def laid_out(blocks: Sequence[Block]) -> tuple[tuple[Place, ...], ...]:
    """Pages of places. A chart that is taller than a page has one of its own."""
    sheets: list[list[Place]] = [[]]
    top = UP - MARGIN
    lines = _lines(blocks)
    for index, line in enumerate(lines):
        needed = _height(line)
        follower = index
        while any(block.keep for block in lines[follower]) and follower + 1 < len(lines):
            follower += 1
            needed += GAP + _height(lines[follower])
        if sheets[-1] and (line[0].fresh or top - needed < FOOT):
            sheets.append([])
            top = UP - MARGIN
        for column, block in enumerate(line):
            width = _width(block)
            height = block.chart.height(width)
            left = MARGIN + column * (width + GUTTER)
            sheets[-1].append(Place(block.chart, left, top - height, width, height))
        top -= _height(line) + GAP
    return tuple(tuple(page) for page in sheets if page)


def _lines(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks that stand side by side."""
    lines: list[list[Block]] = []
    for block in blocks:
        beside = lines and block.half and not block.fresh and lines[-1][0].half and len(lines[-1]) == 1
        if beside:
            lines[-1].append(block)
        else:
            lines.append([block])
    return lines


def _width(block: Block) -> float:
    whole = ACROSS - 2 * MARGIN
    return (whole - GUTTER) / 2 if block.half else whole


def _height(line: Sequence[Block]) -> float:
    return max(block.chart.height(_width(block)) for block in line)


def pdf(
    blocks: Sequence[Block], title: str, legend: Mapping[str, str], facts: Mapping[str, str | None]
) -> bytes:
    """The document as PDF: A4, fonts embedded, text that can be searched; the same bytes every time.

    Args:
        blocks: in order.
        title: at the foot of each page.
        legend: label -> colour of the data set's components, beside it.
        facts: PDF metadata, such as ``Title``.
    """
    content = io.BytesIO()
    nothing: dict[str, str | None] = dict.fromkeys(("CreationDate", "ModDate", "Producer", "Creator"))
    with style.context(PRINT), PdfPages(content, metadata={**nothing, **facts}) as file:
        for page in pages(blocks, title, legend):
            file.savefig(page)
    return content.getvalue()


def pages(blocks: Sequence[Block], title: str, legend: Mapping[str, str]) -> Iterator[Figure]:
    """The pages as figures; see :func:`pdf`."""
    with style.context(PRINT):
        sheets = laid_out(blocks)
        for number, places in enumerate(sheets, 1):
            figure = Figure(figsize=(ACROSS, UP))
            for place in places:
                place.chart.draw(Panel(figure, place.left, place.bottom, place.width, place.height))
            _foot(figure, f"{number} / {len(sheets)}", title, legend)
            yield figure


def _foot(figure: Figure, number: str, title: str, legend: Mapping[str, str]) -> None:
    panel = Panel(figure, MARGIN, 0.3, ACROSS - 2 * MARGIN, 0.3)
    panel.text(0.05, 0.1, title, size=SMALL, alpha=QUIET, va="baseline")
    panel.text(panel.width - 0.05, 0.1, number, size=SMALL, alpha=QUIET, ha="right", va="baseline")
    widths = [text_width(label, SMALL) + 0.32 for label in legend]
    left = (panel.width - sum(widths)) / 2 + 0.1
    for (label, color), width in zip(legend.items(), widths, strict=True):
        corner = (panel.left + left) / ACROSS, (panel.bottom + 0.095) / UP
        figure.add_artist(
            Rectangle(
                corner, 0.1 / ACROSS, 0.1 / UP, facecolor=color, linewidth=0, transform=figure.transFigure
            )
        )
        panel.text(left + 0.15, 0.1, label, size=SMALL, alpha=QUIET, va="baseline")
        left += width
