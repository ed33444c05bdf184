"""Energies: how far laws are from each other, told by the distances between their draws.

Unlike the mean of a score, they punish draws that keep to a few of the real designs as they do draws that
stray.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-6  # under the root, so that equal rows have a gradient


def energy_distance(one: Tensor, other: Tensor) -> Tensor:
    """``2 E|x - y| - E|x - x'| - E|y - y'|`` of the rows of (N, D) and (M, D) (Szekely & Rizzo 2013).

    Never negative, and 0 for equal sets.
    """
    one, other = one.float(), other.float()
    within = torch.cdist(one, one).mean() + torch.cdist(other, other).mean()
    return 2 * torch.cdist(one, other).mean() - within


def energy_score(real: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """``E|x - y| - E|y - y'| / 2``, each row with two draws made for it (Gneiting & Raftery 2007, eq. 21).

    A strictly proper score: its mean over real rows is least for draws from their law given what each draw
    was made for, not for their average.

    Args:
        real, first, second: (B, D); row k of the draws was made for what row k of the real ones is about.

    Returns:
        (B,).
    """
    away = _distance(real, first) + _distance(real, second)
    return (away - _distance(first, second)) / 2


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return ((one.float() - other.float()).square().sum(1) + SMALLEST).sqrt()
