"""The fitted precision has the graph's zeros and, on every clique, the moments it is fitted to."""

from __future__ import annotations

import torch
from torch import Tensor

from epuredgm.nn.covariance_selection import fit_precision


def random_covariance(width: int) -> Tensor:
    root = torch.randn(width, 2 * width, dtype=torch.float64, generator=torch.Generator().manual_seed(width))
    return root @ root.T / width


def test_with_all_linked_it_is_the_inverse_of_the_covariance() -> None:
    covariance = random_covariance(5)
    precision = fit_precision(covariance, [list(range(5))])
    torch.testing.assert_close(precision @ covariance, torch.eye(5, dtype=torch.float64))


def test_moments_agree_inside_of_cliques_and_the_precision_is_zero_outside() -> None:
    """Dempster's two conditions, which only the most likely Gaussian of the graph meets; here on a cycle."""
    covariance, cliques = random_covariance(8), [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 0, 1]]
    precision = fit_precision(covariance, cliques)
    assert (torch.linalg.eigvalsh(precision) > 0).all()
    implied = torch.linalg.inv(precision)
    inside = torch.zeros(8, 8, dtype=torch.bool)
    for clique in cliques:
        rows, columns = torch.meshgrid(torch.tensor(clique), torch.tensor(clique), indexing="ij")
        inside[rows, columns] = True
    torch.testing.assert_close(implied[inside], covariance[inside], rtol=1e-6, atol=1e-6)
    assert (precision[~inside] == 0).all()
    assert not torch.allclose(implied[~inside], covariance[~inside], rtol=0.1)
