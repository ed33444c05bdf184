"""A Gaussian Markov random field: a Gaussian given by its precision, whose zeros are independences.

The coordinates are grouped into nodes, and edges link nodes. What is known enters in closed form, whichever
nodes it is about: exactly (:meth:`InformationForm.fix`) or with noise (:meth:`InformationForm.observe`).
Nothing is multiplied in half precision, also within automatic mixed precision (which leaves triangular solves
alone).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from epuredgm.nn.cholesky import full_precision
from epuredgm.nn.covariance_selection import fit_precision
from epuredgm.nn.gaussian import FullGaussian

FLOOR = 1e-4  # of the precision's eigenvalues: bounds the prior's variance where no energy does
GAIN = 4.0  # bound of the log strength of an energy


class InformationForm(NamedTuple):
    """Densities proportional to exp(-x^T precision x / 2 + potential^T x).

    Attributes:
        precision: (..., D, D), symmetric positive definite.
        potential: (..., D).
    """

    precision: Tensor
    potential: Tensor

    def fix(self, values: Tensor, known: Tensor) -> InformationForm:
        """The other coordinates given that those marked in ``known`` have their ``values``, both (..., D).

        The known ones stay in their places as independent N(value, 1), so that any set of them may differ
        from row to row; take no draw of them.
        """
        free = ~known
        with full_precision(values.device):
            pull = self.precision @ (values * known)[..., None]
        precision = self.precision * (free[..., :, None] & free[..., None, :])
        return InformationForm(
            precision + torch.diag_embed(known.to(precision.dtype)),
            torch.where(free, self.potential - pull[..., 0], values),
        )

    def observe(self, values: Tensor, precisions: Tensor) -> InformationForm:
        """Given noisy ``values`` of the coordinates, both (..., D); a precision of 0 is no observation."""
        return InformationForm(
            self.precision + torch.diag_embed(precisions), self.potential + precisions * values
        )

    def gaussian(self) -> FullGaussian:
        """Mean and factor."""
        return FullGaussian.of_precision(self.precision, self.potential)


class MarkovField(nn.Module):
    """A learned field of zero mean, and a fitted one of any mean that replaces it after training.

    The learned precision is a sum of squares, one per row of ``rows``: each is an energy (r . x)^2 of one
    node or of two linked ones. Hence it is positive definite whatever the weights, and exactly zero between
    nodes without an edge. The zero mean is no loss: encoders and decoders can shift their latents.

    Args:
        widths: coordinates of each node.
        edges: pairs of nodes that may depend on each other directly.
    """

    support: Tensor
    mean: Tensor
    precision: Tensor

    def __init__(self, widths: Sequence[int], edges: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.edges = tuple(edges)
        stops = torch.tensor(widths).cumsum(0).tolist()
        self.nodes = [range(stop - width, stop) for width, stop in zip(widths, stops, strict=True)]
        rows, support = self._first_guess(stops[-1])
        self.rows = nn.Parameter(rows)
        self.log_strength = nn.Parameter(torch.zeros(len(rows)))
        self.register_buffer("support", support, persistent=False)
        self.register_buffer("mean", torch.zeros(stops[-1]))
        self.register_buffer("precision", torch.eye(stops[-1]))

    def _first_guess(self, width: int) -> tuple[Tensor, Tensor]:
        """Energies x_k^2 of each coordinate, (x_k - y_k)^2 of linked nodes; and what each may depend on."""
        rows, support = [], []
        for node in self.nodes:
            for k in node:
                rows.append(_row(width, {k: 1.0}))
                support.append(_row(width, dict.fromkeys(node, 1.0)))
        for one, other in self.edges:
            for k, also in zip(self.nodes[one], self.nodes[other], strict=False):
                rows.append(_row(width, {k: 1.0, also: -1.0}))
                support.append(_row(width, dict.fromkeys([*self.nodes[one], *self.nodes[other]], 1.0)))
        return torch.stack(rows), torch.stack(support)

    def learned(self) -> InformationForm:
        """The field of the weights: (D, D) and (D,)."""
        strength = (GAIN * torch.tanh(self.log_strength / GAIN)).exp()
        rows = self.rows * self.support * strength[:, None]
        with full_precision(rows.device):
            precision = rows.mT @ rows
        precision = precision + FLOOR * torch.eye(len(precision), device=rows.device, dtype=rows.dtype)
        return InformationForm(precision, torch.zeros_like(self.mean))

    def fitted(self) -> InformationForm:
        """The field of the last :meth:`keep` or :meth:`fit`; before that N(0, I)."""
        with full_precision(self.mean.device):
            return InformationForm(self.precision, self.precision @ self.mean)

    def keep(self) -> None:
        """Take the learned field as the fitted one."""
        self.precision.copy_(self.learned().precision)
        self.mean.zero_()

    def fit(self, mean: Tensor, covariance: Tensor) -> None:
        """Take the most likely field for designs with these moments: (D,) and (D, D), in double precision.

        It minimises the mean KL of posteriors with these moments to a prior with these edges.
        """
        self.mean.copy_(mean)
        self.precision.copy_(fit_precision(covariance, self.cliques()))

    def cliques(self) -> list[list[int]]:
        """The coordinates of sets of linked nodes that cover every edge: all of them if all are linked."""
        count = len(self.nodes)
        if len(self.edges) == count * (count - 1) // 2:
            return [list(range(len(self.mean)))]
        linked = {node for edge in self.edges for node in edge}
        sets = [*self.edges, *((node,) for node in range(count) if node not in linked)]
        return [[k for node in nodes for k in self.nodes[node]] for nodes in sets]


def _row(width: int, entries: dict[int, float]) -> Tensor:
    """(width,) zeros but for the entries."""
    row = torch.zeros(width)
    row[list(entries)] = torch.tensor(list(entries.values()))
    return row


def canonical_correlations(matrix: Tensor, one: Sequence[int], other: Sequence[int]) -> list[float]:
    """Canonical correlations between two groups of coordinates, largest first, from a covariance (D, D).

    From a precision instead they are the partial ones: given all other coordinates.
    """
    here, there = list(one), list(other)
    across = matrix[here][:, there]
    for side in (here, there):  # whitens the rows, then the columns, which the transposition makes rows
        factor = torch.linalg.cholesky(matrix[side][:, side])
        across = torch.linalg.solve_triangular(factor, across, upper=False).mT
    return torch.linalg.svdvals(across).tolist()
