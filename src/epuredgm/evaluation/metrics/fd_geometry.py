"""Frechet distance over geometric descriptors: no network, no weights, every axis has a name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.frechet import frechet_distance, frechet_left_out
from epuredgm.evaluation.geometry import far_outside
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json

SMALLEST = 1.0
"""Unit of an axis on which train designs vary less: one pixel, one piece, one pixel side."""


def compute(case: Case) -> Json:
    """``distance``: Frechet distance between generated and real designs as :func:`descriptors`.

    Each axis is in standard deviations of the train designs, at least :data:`SMALLEST`: what no real design
    has (a second piece, a shared pixel) is counted in pieces and pixels.
    """
    view = case.view(descriptors).scaled(SMALLEST)
    left_out = None if case.no_figure(view) else frechet_left_out(view)
    name = "fd_geometry.distance"
    return {"distance": case.of_sets(view, frechet_distance, left_out, name=name, biased=True)}


def descriptors(population: Population) -> NDArray[np.float64]:
    """(N, 12 C + 1 + 2 P), finite, for C components and P pairs of them.

    Of each component: area; centre row and column; first and last row, first and last column; mean and
    largest count of pixels in its rows and in its columns; 4-connected pieces. Of the union: its pieces. Of
    each pair: contact length (pixel sides) and side of a square as large as what they share (px). An empty
    component has area, thickness, pieces and contact 0, and lies far outside the picture.
    """
    return population.derived("geometric descriptors", _descriptors)


def _descriptors(population: Population) -> NDArray[np.float64]:
    height, width = population.size
    of_components = [
        population.areas()[..., None],
        far_outside(population.centres(), (height, width)),
        far_outside(population.boxes(), (height, height, width, width)),
        population.thickness(),
    ]
    return np.concatenate(
        [
            np.concatenate(of_components, axis=-1).reshape(len(population), -1),
            population.pieces(4),
            population.contact_lengths(),
            np.sqrt(population.shared()),
        ],
        axis=1,
    )


METRIC = Metric(
    key="fd_geometry",
    title="Frechet distance of geometric descriptors",
    modes=TASKS,
    headlines=(Headline("fd_geometry", "distance", ranked=True, title="Geometric distance"),),
    compute=compute,
    values=("binary",),
)
