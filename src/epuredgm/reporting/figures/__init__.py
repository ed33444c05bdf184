"""Charts: plain data in; :func:`svg` puts one into a page, :func:`drawn` makes a matplotlib ``Figure`` of it.

A chart is a frozen dataclass that draws itself on a panel of any figure, so that pages of a document can hold
several.
"""

from epuredgm.reporting.figures.adherence import adherence_scatter
from epuredgm.reporting.figures.against import against
from epuredgm.reporting.figures.cost import Point, quality_cost
from epuredgm.reporting.figures.differences import Difference, difference_matrix
from epuredgm.reporting.figures.extrapolation import Bin, extrapolation_curve
from epuredgm.reporting.figures.metric import Row, metric_chart
from epuredgm.reporting.figures.panel import Chart, drawn
from epuredgm.reporting.figures.ranks import rank_heat
from epuredgm.reporting.figures.svg import svg
from epuredgm.reporting.figures.training import training_curves
from epuredgm.reporting.study import Series

__all__ = [
    "Bin",
    "Chart",
    "Difference",
    "Point",
    "Row",
    "Series",
    "adherence_scatter",
    "against",
    "difference_matrix",
    "drawn",
    "extrapolation_curve",
    "metric_chart",
    "quality_cost",
    "rank_heat",
    "svg",
    "training_curves",
]
