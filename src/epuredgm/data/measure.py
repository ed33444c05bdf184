"""Conditions read back from pictures: how wide and how high a design is, by closed forms.

A stored picture is the left half of a design whose axis is one column to the right of the last one. The toy
generator's own width and height follow from the half's bounding box exactly: the axis column adds one to
twice the width (a design that reaches the border stops there), and the crown's topmost row, one pixel on the
axis, is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import inf

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import Condition

Images = NDArray[np.uint8]
Measure = Callable[[Images], NDArray[np.float64]]  # (N, C, H, W) masks to (N,)
Range = tuple[float, float]

_RANGES: dict[Measure, Callable[[int, int], Range]] = {}
_SIGNS: dict[Measure, tuple[str, str]] = {}


def within(of_size: Callable[[int, int], Range]) -> Callable[[Measure], Measure]:
    """Declares what a measure can say at all: (height, width) of a picture to the ends of its range."""

    def declare(measure: Measure) -> Measure:
        _RANGES[measure] = of_size
        return measure

    return declare


def called(below: str, above: str) -> Callable[[Measure], Measure]:
    """Declares what is said of a design that measures less, or more, than was asked for."""

    def declare(measure: Measure) -> Measure:
        _SIGNS[measure] = (below, above)
        return measure

    return declare


def signs_of(condition: Condition) -> tuple[str, str]:
    """What an error below and above 0 of a number is called, after its size: ``px too narrow``."""
    own = _SIGNS.get(measure_of(condition)) if condition.measure is not None else None
    below, above = own or ("too low", "too high")
    return f"{condition.unit} {below}".strip(), f"{condition.unit} {above}".strip()


def measure_of(condition: Condition) -> Measure:
    """The function that reads a condition back from masks.

    Raises:
        BadRequest: if the declared function is not one of this package.
    """
    name = str(condition.measure)
    module, _, function = name.rpartition(".")
    if not module.startswith("epuredgm."):
        raise BadRequest(
            f"condition {condition.name}: {name} is not a function of this package",
            "measure names a function below epuredgm., such as epuredgm.data.measure.mirrored_width.",
        )
    measure: Measure = getattr(import_module(module), function)
    return measure


def attainable(condition: Condition, height: int, width: int) -> Range:
    """What a picture of this size that is not empty can measure; no bounds where none are declared."""
    of_size = _RANGES.get(measure_of(condition))
    return (-inf, inf) if of_size is None else of_size(height, width)


@within(lambda height, width: (3, 2 * width))
@called("too narrow", "too wide")
def mirrored_width(images: Images) -> NDArray[np.float64]:
    """Width in px of each whole design, ``min(2 W, 2 w + 1)`` for a half w pixels wide; 0 if it is empty.

    Args:
        images: (N, C, H, W) uint8; a pixel is lit if any component is above 0.

    Returns:
        (N,) float64.
    """
    extent = _extent(np.asarray(_whole(images).any(axis=1)))
    return np.where(extent > 0, np.minimum(2 * images.shape[3], 2 * extent + 1), 0).astype(np.float64)


@within(lambda height, width: (2, height + 1))
@called("too short", "too tall")
def mirrored_height(images: Images) -> NDArray[np.float64]:
    """Height in px of each whole design, one more than the half's bounding height; 0 if it is empty.

    Args:
        images: (N, C, H, W) uint8; a pixel is lit if any component is above 0.

    Returns:
        (N,) float64.
    """
    extent = _extent(np.asarray(_whole(images).any(axis=2)))
    return np.where(extent > 0, extent + 1, 0).astype(np.float64)


def _whole(images: Images) -> NDArray[np.bool_]:
    """(N, H, W) whether a pixel is lit in any component."""
    return np.asarray(np.bitwise_or.reduce(images, axis=1) > 0)


def _extent(lit: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Entries from the first to the last true one of each row of (N, L); 0 if there is none."""
    first = lit.argmax(axis=1)
    last = lit.shape[1] - 1 - lit[:, ::-1].argmax(axis=1)
    return np.where(lit.any(axis=1), last - first + 1, 0)
