"""The words that a drawn figure shows, and where."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def texts(figure: Figure) -> list[Text]:
    """All but labels of ticks beyond the limits of their axis, which are there and never drawn."""
    beyond = set()
    for axes in figure.axes:
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in axis.get_major_ticks():
                if not min(limits) <= tick.get_loc() <= max(limits):
                    beyond |= {tick.label1, tick.label2}
    found = [each for each in figure.findobj(Text) if isinstance(each, Text) and each.get_text()]
    return [each for each in found if each.get_visible() and each not in beyond]


def words(figure: Figure) -> list[str]:
    return [each.get_text() for each in texts(figure)]


def boxes(figure: Figure, among: list[Text]) -> list[Bbox]:
    """Extents in pixels of the figure."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    return [each.get_window_extent(renderer) for each in among]


def outside(figure: Figure, slack: float = 0.0) -> list[str]:
    """The words that leave the figure by more than ``slack`` pixels."""
    found = texts(figure)
    width, height = figure.bbox.x1, figure.bbox.y1
    return [
        text.get_text()
        for text, box in zip(found, boxes(figure, found), strict=True)
        if min(box.x0, box.y0, width - box.x1, height - box.y1) < -slack
    ]
