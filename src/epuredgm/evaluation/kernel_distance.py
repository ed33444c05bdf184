"""The kernel distance of two sets of points (Binkowski et al. 2018, section 3): the unbiased squared MMD.

    k(a, b) = (a . b / D + 1)^3
    sum_{i != j} k(x_i, x_j) / (n (n - 1)) + the same of y - 2 sum_{i, j} k(x_i, y_j) / (n m)

It estimates 0 between equal laws at any number of points, so that a few suffice, and may come out negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epuredgm.evaluation.view import View

Floats = NDArray[np.float64]

ROWS = 1024
"""Rows of a kernel matrix that are in memory at a time."""


def kernel_distance(x: Floats, y: Floats) -> float:
    """The estimate; about 0 between sets of one law, also below.

    Args:
        x: (n, D), n >= 2.
        y: (m, D), m >= 2.
    """
    sides = [_Grouped.make(points, np.zeros(len(points), dtype=np.int64)) for points in (x, y)]
    whole = np.array([sums.sum() for sums in _all_sums(*sides)])
    return float(_estimate(whole, np.float64(len(x)), np.float64(len(y))))


def kernel_left_out(view: View) -> Floats:
    """(G,) the estimate without each group of rows of both sets in turn, exactly.

    The kernel is computed once; what a group takes part in is subtracted from its sums.
    """
    sides = [_Grouped.make(points, view.groups) for points in (view.generated, view.real)]
    left = np.array(
        [
            sums.sum()
            - sums.sum(axis=0)
            - sums.sum(axis=1)
            + sums.diagonal()  # the group's own, counted twice
            for sums in _all_sums(*sides)
        ]
    )
    kept = len(view) - np.bincount(view.groups).astype(np.float64)
    return _estimate(left, kept, kept)


@dataclass(frozen=True)
class _Grouped:
    """Points (n, D), the group of each (n,), and how many groups there are."""

    points: Tensor
    groups: Tensor
    count: int

    @classmethod
    def make(cls, points: Floats, groups: NDArray[np.int64]) -> _Grouped:
        scaled = np.ascontiguousarray(points, dtype=np.float64) / points.shape[1] ** 0.5
        return cls(torch.from_numpy(scaled), torch.from_numpy(groups), int(groups.max()) + 1)


def _all_sums(x: _Grouped, y: _Grouped) -> tuple[Floats, Floats, Floats]:
    """(G, G) sums of the kernel over pairs of groups: of different points within x and within y; across."""
    return _sums(x, x, _own(x)), _sums(y, y, _own(y)), _sums(x, y)


def _sums(x: _Grouped, y: _Grouped, less: Tensor | None = None) -> Floats:
    total = torch.zeros(x.count, len(y.points), dtype=torch.float64)
    for start in range(0, len(x.points), ROWS):
        rows = slice(start, start + ROWS)
        total.index_add_(0, x.groups[rows], _cubed(x.points[rows] @ y.points.T))
    sums = torch.zeros(x.count, y.count, dtype=torch.float64).index_add_(1, y.groups, total)
    return np.asarray(sums.numpy() if less is None else (sums - less.diag()).numpy())


def _own(x: _Grouped) -> Tensor:
    """(G,) the kernel of every point with itself, by group."""
    own = _cubed(x.points.square().sum(dim=1))
    return torch.zeros(x.count, dtype=torch.float64).index_add_(0, x.groups, own)


def _cubed(product: Tensor) -> Tensor:
    base = product.add_(1)
    return base.square().mul_(base)


def _estimate(sums: Floats, n: Floats | np.float64, m: Floats | np.float64) -> Floats:
    """From the sums (3, ...) within x, within y and across, of n and m points."""
    within_x, within_y, across = sums
    return np.asarray(within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * across / (n * m))
