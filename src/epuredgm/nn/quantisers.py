"""From real vectors to one of finitely many codes and back, with a gradient straight through.

Both quantisers share one interface. Finite scalar quantisation rounds each number to one of a few levels:
nothing is learned, so nothing can collapse. The codebook is the published form, with running means that start
consistent and with codes that cannot die.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

SLACK = 1e-3  # how far beyond its outer levels a bounded number reaches (Mentzer et al. 2024, appendix A.1)
SMOOTHING = 1e-5  # pseudo-count of every code (van den Oord et al. 2017, appendix A.1)
DEAD = 0.03  # share of the mean use below which a code is moved to where vectors are
EXACT = "donot_use_mm_for_euclid_dist"  # distances by matrix products lose the digits that decide ties


class Quantised(NamedTuple):
    """Vectors on their codes.

    Attributes:
        values: (..., D) of the codes; the gradient goes to the vectors as if nothing had been rounded.
        indices: (...) int64 in [0, codes).
        distance: (...) squared distance of the vectors to their codes, with a gradient into the vectors.
    """

    values: Tensor
    indices: Tensor
    distance: Tensor


class Quantiser(nn.Module, ABC):
    """What both quantisers do.

    Attributes:
        codes: number of codes.
        width: numbers per vector, D.
    """

    codes: int
    width: int

    @abstractmethod
    def forward(self, z: Tensor, rng: torch.Generator | None = None) -> Quantised:
        """Quantise (..., D); in training mode a codebook also moves, for which it takes ``rng``."""

    @abstractmethod
    def values_of(self, indices: Tensor) -> Tensor:
        """(...) int64 -> (..., D): what the codes stand for."""


class FiniteScalars(Quantiser):
    """Every number is bounded and rounded to its own few levels (FSQ, Mentzer et al. 2024, section 3).

    Args:
        levels: of each number; their product is the number of codes.
    """

    levels: Tensor
    strides: Tensor

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.codes, self.width = math.prod(levels), len(levels)
        counts = torch.tensor(levels)
        strides = counts.cumprod(0) // counts
        self.register_buffer("levels", counts, persistent=False)
        self.register_buffer("strides", strides, persistent=False)

    def forward(self, z: Tensor, rng: torch.Generator | None = None) -> Quantised:
        """See :meth:`Quantiser.forward`; the values are in [-1, 1]."""
        bounded = self.bound(z.float())
        rounded = bounded.round()
        values = (bounded + (rounded - bounded).detach()) / self._half
        away = (values.detach() - bounded / self._half).square().sum(-1)
        return Quantised(values, self._indices(rounded), away)

    def bound(self, z: Tensor) -> Tensor:
        """Squeeze (..., D) so that rounding gives exactly ``levels`` values (Mentzer et al. 2024, A.1)."""
        reach = (self.levels - 1) * (1 + SLACK) / 2
        offset = 0.5 * (self.levels % 2 == 0)
        return (z + (offset / reach).atanh()).tanh() * reach - offset

    def values_of(self, indices: Tensor) -> Tensor:
        """See :meth:`Quantiser.values_of`."""
        digits = indices[..., None] // self.strides % self.levels
        return digits / self._half - 1

    @property
    def _half(self) -> Tensor:
        return self.levels // 2

    def _indices(self, rounded: Tensor) -> Tensor:
        return ((rounded.long() + self._half) * self.strides).sum(-1)


class Codebook(Quantiser):
    """Each vector goes to the nearest code, each code to the running mean of its vectors (VQ-VAE, EMA form).

    No gradient reaches the codes. The first batch seen in training gives them their places; after that a code
    that is hardly used moves to a vector of the batch at hand, with the mean use, so that it has time to win
    vectors. All of this is in buffers.

    Args:
        codes: number of codes, K.
        width: numbers per vector, D.
        decay: share of the old mean that a step keeps.
    """

    sizes: Tensor
    sums: Tensor
    placed: Tensor

    def __init__(self, codes: int, width: int, decay: float) -> None:
        super().__init__()
        self.codes, self.width, self.decay = codes, width, decay
        self.register_buffer("sizes", torch.ones(codes))
        self.register_buffer("sums", torch.randn(codes, width))
        self.register_buffer("placed", torch.zeros((), dtype=torch.bool))

    def forward(self, z: Tensor, rng: torch.Generator | None = None) -> Quantised:
        """See :meth:`Quantiser.forward`."""
        vectors = z.float()
        flat = vectors.detach().flatten(0, -2)
        if self.training and rng is not None:
            self._place(flat, rng)
        nearest = torch.cdist(flat, self.table(), compute_mode=EXACT).argmin(1)
        chosen = functional.embedding(nearest, self.table()).view_as(vectors)
        if self.training and rng is not None:
            self._follow(flat, nearest, rng)
        distance = (vectors - chosen).square().sum(-1)
        values = vectors + (chosen - vectors).detach()
        return Quantised(values, nearest.view(z.shape[:-1]), distance)

    def table(self) -> Tensor:
        """The codes, (K, D): sums over Laplace-smoothed sizes (van den Oord et al. 2017, appendix A.1)."""
        total = self.sizes.sum()
        smoothed = (self.sizes + SMOOTHING) / (total + self.codes * SMOOTHING) * total
        return self.sums / smoothed[:, None]

    def values_of(self, indices: Tensor) -> Tensor:
        """See :meth:`Quantiser.values_of`."""
        return functional.embedding(indices, self.table())

    def _place(self, flat: Tensor, rng: torch.Generator) -> None:
        """Codes on random vectors of the first batch, each with size 1: sums and sizes agree."""
        start = self._some(flat, rng)
        self.sums.copy_(torch.where(self.placed, self.sums, start))
        self.placed.fill_(True)

    def _follow(self, flat: Tensor, nearest: Tensor, rng: torch.Generator) -> None:
        """One step of the running means, and a new place for codes that are hardly used."""
        chosen = functional.one_hot(nearest, self.codes).double()  # double: autocast leaves it alone
        sizes = torch.lerp(chosen.sum(0), self.sizes.double(), self.decay)
        sums = torch.lerp(chosen.T @ flat.double(), self.sums.double(), self.decay)
        mean = sizes.mean()
        dead = sizes < DEAD * mean
        self.sizes.copy_(torch.where(dead, mean, sizes))
        self.sums.copy_(torch.where(dead[:, None], mean * self._some(flat, rng), sums))

    def _some(self, flat: Tensor, rng: torch.Generator) -> Tensor:
        """A random vector of (N, D) for each code: (K, D)."""
        return flat[torch.randint(len(flat), (self.codes,), generator=rng, device=flat.device)]
