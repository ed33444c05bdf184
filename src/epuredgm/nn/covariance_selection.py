"""The Gaussian of given moments whose precision is zero where a graph has no edge (Dempster 1972)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from epuredgm.nn.cholesky import safe_cholesky

SWEEPS = 200


def fit_precision(covariance: Tensor, cliques: Sequence[Sequence[int]]) -> Tensor:
    """The precision (D, D) of maximal likelihood for a (D, D) covariance, zero outside of the cliques.

    Iterative proportional scaling (Speed and Kiiveri 1986): each clique in turn gets its own marginal right,
    which changes the precision inside of it only. One clique of everything is done in one step.
    """
    whole = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    precision = whole / covariance.diagonal().mean()
    for _ in range(SWEEPS if len(cliques) > 1 else 1):
        for clique in cliques:
            index = torch.tensor(clique, device=covariance.device)
            inside = (index[:, None], index)
            implied = _inverse(precision)[inside]
            precision[inside] += _inverse(covariance[inside]) - _inverse(implied)
    return precision


def _inverse(matrix: Tensor) -> Tensor:
    return torch.cholesky_inverse(safe_cholesky(matrix))
