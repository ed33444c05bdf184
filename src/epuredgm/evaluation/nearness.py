"""Nearest pictures: how alike a picture is to the most similar ones of another set, however it was moved.

Pictures are compared by their normalised cross-correlation (NCC), so that a change of brightness or contrast
does not hide a copy, over left-right flips and shifts, over the pixels that both have. Two steps, so that
20,000 others cost little: all of them at a quarter of the size, then the most alike ones pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from epuredgm.data.designs import Stored

EDGE = 64  # px, of the longer side at which pictures are compared
REACH = 4  # px of it, the farthest shift
COARSE = 4  # times smaller in the first step
KEPT = 64  # others that the second step looks at, for each picture
PART = 256  # pictures reduced at a time
FLATTEST = 1e-6  # share of a picture's variance below which there is nothing to correlate with
FAINTEST = 1e-5  # standard deviation below which a picture is flat: less than a step of 16 bits

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Nearest:
    """Of each picture: (N,) row of the most similar other; (N, k) the highest correlations, best first."""

    rows: NDArray[np.int64]
    correlations: Floats

    @property
    def best(self) -> Floats:
        """(N,) correlation with the most similar other."""
        return self.correlations[:, 0]


def distances(correlations: Floats) -> Floats:
    """Euclidean distances between pictures of mean 0 and norm 1 that have these correlations: 0 to 2."""
    return np.asarray(np.sqrt(np.clip(2 - 2 * correlations, 0, 4)))


def nearest_stored(pictures: Stored, others: Stored, levels: int) -> Nearest:
    """The most similar others of pictures (N, C, H, W) as they are stored, ``levels`` standing for 1."""
    return nearest(reduced(pictures, levels), reduced(others, levels))


def reduced(images: Stored, levels: int, edge: int = EDGE) -> Tensor:
    """(N, C, h, w) float32 in [0, 1]: the means of areas, the longer side at most ``edge``; in parts."""
    height, width = images.shape[2:]
    scale = min(1.0, edge / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = torch.empty(len(images), images.shape[1], *size)
    for start in range(0, len(images), PART):
        part = torch.from_numpy(images[start : start + PART].astype(np.float32) / levels)
        small[start : start + PART] = functional.adaptive_avg_pool2d(part, size)
    return small


def nearest(pictures: Tensor, others: Tensor, kept: int = KEPT, neighbours: int = KEPT) -> Nearest:
    """The most similar others of each picture.

    Args:
        pictures: (N, C, h, w), see :func:`reduced`.
        others: (M, C, h, w), M > 0.
        kept: others that are looked at pixel by pixel; with all of them the search is exhaustive.
        neighbours: correlations that are given, at most ``kept``.
    """
    size = (pictures.shape[2], pictures.shape[3])
    reach = max(1, round(REACH * max(size) / EDGE))
    fine = _Alignment(size, pictures.shape[1], reach)
    tiny = (max(1, size[0] // COARSE), max(1, size[1] // COARSE))
    coarse = _Alignment(tiny, pictures.shape[1], max(1, round(reach / COARSE)))
    overview = functional.adaptive_avg_pool2d(pictures, tiny)
    everyone = _flat(functional.adaptive_avg_pool2d(others, tiny))
    sums, kept = coarse.sums(everyone), min(kept, len(others))
    rows, correlations = np.empty(len(pictures), dtype=np.int64), []
    for row, picture in enumerate(pictures):
        chosen = torch.arange(len(others))
        if kept < len(others):
            chosen = coarse.best(overview[row], everyone, sums).topk(kept).indices.sort().values
        candidates = _flat(others[chosen])
        found = fine.best(picture, candidates, fine.sums(candidates)).sort(descending=True, stable=True)
        rows[row] = int(chosen[found.indices[0]])
        correlations.append(found.values[:neighbours].double().numpy())
    return Nearest(rows, np.array(correlations).reshape(len(pictures), -1))


class _Alignment:
    """Every flip and shift of a picture.

    Args:
        size: rows and columns.
        channels: C.
        reach: pixels of the farthest shift, along rows and columns.
    """

    def __init__(self, size: tuple[int, int], channels: int, reach: int) -> None:
        self.reach = reach
        self.overlaps = self._shifted(torch.ones(1, channels, *size))  # (S, P): pixels that both have
        self.counts = self.overlaps.sum(1, keepdim=True)  # (S, 1)

    def _shifted(self, pictures: Tensor) -> Tensor:
        """(B, C, h, w) -> (S B, C h w) each shift of each, zeros where it has no pixel."""
        height, width = pictures.shape[2:]
        margin = self.reach
        padded = functional.pad(pictures, (margin, margin, margin, margin))
        moves = range(2 * margin + 1)
        views = [padded[..., y : y + height, x : x + width] for y in moves for x in moves]
        return torch.stack(views).flatten(0, 1).flatten(1)

    def sums(self, others: Tensor) -> tuple[Tensor, Tensor]:
        """(S, M) sums of the others (M, P) and of their squares over the pixels that each shift leaves."""
        return self.overlaps @ others.T, self.overlaps @ others.square().T

    def best(self, picture: Tensor, others: Tensor, sums: tuple[Tensor, Tensor]) -> Tensor:
        """(M,) highest correlation of a picture (C, h, w) with each of the others (M, P)."""
        shared, squares = sums
        theirs = (squares - shared.square() / self.counts).clamp(min=0)
        centred = _standardised(picture.flatten()).view_as(picture)
        best = picture.new_full((len(others),), -1.0)
        for way in (centred, centred.flip(-1)):
            moved = self._shifted(way[None])  # (S, P)
            own = moved.sum(1, keepdim=True)
            ours = (moved.square().sum(1, keepdim=True) - own.square() / self.counts).clamp(min=0)
            products = moved @ others.T - own * shared / self.counts
            flat = (ours < FLATTEST * self.counts) | (theirs < FLATTEST * self.counts)
            found = products / (ours * theirs).clamp(min=1e-20).sqrt()
            best = torch.maximum(best, found.masked_fill(flat, 0.0).amax(0))
        return best.clamp(max=1.0)


def _flat(pictures: Tensor) -> Tensor:
    """(M, C, h, w) -> (M, P), each of mean 0 and variance 1; a flat one of variance 0."""
    return _standardised(pictures.flatten(1))


def _standardised(flat: Tensor) -> Tensor:
    """(..., P) of mean 0, so that float32 sums are exact enough, and of variance 1, however faint."""
    centred = flat - flat.mean(-1, keepdim=True)
    return centred / centred.square().mean(-1, keepdim=True).sqrt().clamp(min=FAINTEST)
