"""The Frechet distance between two sets of points, each taken as normal (Heusel et al. 2017, eq. 6).

    |m_x - m_y|^2 + Tr(S_x + S_y - 2 (S_x S_y)^(1/2))

The trace of the root is the nuclear norm of R_x R_y^T, where R^T R = S: the roots of the eigenvalues of the
symmetric R_x S_y R_x^T, which has the size of the smaller set or of the space, whichever is less. No root of
a matrix is taken, none can come out complex, and rank-deficient covariances need no correction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epuredgm.evaluation.view import View

Floats = NDArray[np.float64]

DEAD = 1e-13
"""An axis whose variance is this share of the largest one has none: it is rounding."""


def frechet_distance(x: Floats, y: Floats) -> float:
    """The squared distance, at least 0; of a single point the covariance is 0.

    Args:
        x: (n, D), n >= 1.
        y: (m, D), m >= 1.
    """
    return _distance(_moments(_tensor(x)), _moments(_tensor(y)))


def frechet_left_out(view: View) -> Floats:
    """(G,) the distance between the sets of a view without each group in turn, exactly.

    Where there are more points than axes, the moments of a group are subtracted from those of all, so that
    the points are gone through once, not G times; each group then costs a factorisation of its own.
    """
    sides = (_without_groups(points, view.groups) for points in (view.generated, view.real))
    return np.array([_distance(x, y) for x, y in zip(*sides, strict=True)])


ROUNDING = 1e-12
"""A distance that is this share of what it is the difference of is rounding: between equal sets it is 0."""


@dataclass(frozen=True)
class _Moments:
    """Mean (D,), trace of the covariance, and the covariance itself in its smaller form.

    Attributes:
        rows: (n, D) centred points over the root of n - 1, if n <= D; else None.
        covariance: (D, D), else.
    """

    mean: Tensor
    trace: float
    rows: Tensor | None
    covariance: Tensor | None

    @property
    def size(self) -> int:
        """Rows of the smallest R with R^T R = S."""
        return len(self.mean) if self.rows is None else len(self.rows)

    def root(self) -> Tensor:
        """R (size, D) with R^T R = S."""
        return self.rows if self.rows is not None else _root(self._full())

    def between(self, root: Tensor) -> Tensor:
        """R S R^T, symmetric, for the root (k, D) of another covariance."""
        if self.rows is None:
            return root @ self._full() @ root.T
        product = root @ self.rows.T
        return product @ product.T

    def _full(self) -> Tensor:
        assert self.covariance is not None
        return self.covariance


def _tensor(points: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(points, dtype=np.float64))


def _moments(points: Tensor) -> _Moments:
    mean = points.mean(dim=0)
    rows = (points - mean) / max(1, len(points) - 1) ** 0.5
    trace = float(rows.square().sum())
    if len(points) <= points.shape[1]:
        return _Moments(mean, trace, rows, None)
    return _Moments(mean, trace, None, rows.T @ rows)


def _without_groups(points: Floats, groups: NDArray[np.int64]) -> Iterator[_Moments]:
    """The moments of the points without each group in turn."""
    everyone = _tensor(points)
    centre = everyone.mean(dim=0)
    centred = everyone - centre
    scatter = None
    for group in range(int(groups.max()) + 1):
        left = torch.from_numpy(groups == group)
        kept = len(points) - int(left.sum())
        if kept <= points.shape[1]:
            yield _moments(everyone[~left])
            continue
        scatter = centred.T @ centred if scatter is None else scatter
        mean = -centred[left].sum(dim=0) / kept  # of those that stay, seen from the centre of all
        less = torch.vstack([centred[left], kept**0.5 * mean])
        share = 1 / max(1, kept - 1)
        covariance = torch.addmm(scatter, less.T, less, beta=share, alpha=-share)
        yield _Moments(centre + mean, float(covariance.trace()), None, covariance)


def _distance(x: _Moments, y: _Moments) -> float:
    smaller, larger = (x, y) if x.size <= y.size else (y, x)
    product = larger.between(smaller.root())
    nuclear = float(torch.linalg.eigvalsh(product).clamp(min=0).sqrt().sum())
    mean = float((x.mean - y.mean).square().sum())
    whole = mean + x.trace + y.trace
    distance = whole - 2 * nuclear
    return distance if distance > ROUNDING * whole else 0.0


def _root(covariance: Tensor) -> Tensor:
    """R (k, D) with R^T R = S: Cholesky's, which is fast; of eigenvectors where S is singular.

    Axes without variance, such as features that no design excites, are left out first: k <= D.
    """
    variances = covariance.diagonal()
    live = variances > DEAD * variances.max()
    block = covariance if live.all() else covariance[live][:, live]
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(block)
    if failed:
        values, vectors = torch.linalg.eigh(block)
        factor = vectors * values.clamp(min=0).sqrt()
    if live.all():
        return factor.T
    root = covariance.new_zeros(len(block), len(covariance))
    root[:, live] = factor.T
    return root
