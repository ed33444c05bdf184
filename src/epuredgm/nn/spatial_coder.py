"""An encoder to a small grid of latents and a decoder from it: nothing is flattened, nothing skips the grid.

How often the picture is halved follows from its size, so that the grid has about the same number of positions
at every size.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.core.spec import DataSpec
from epuredgm.nn.blocks import Double, Halve, group_norm, positions, zeroed
from epuredgm.nn.film import Level
from epuredgm.nn.gaussian import LOG_VARIANCE, DiagonalGaussian
from epuredgm.nn.layers import ATTENDED, SpatialLayers
from epuredgm.nn.patches import padded


class LatentGrid:
    """The grid of latents of pictures of one size.

    Args:
        size: rows and columns of the pictures.
        layers: which say how many positions the longer edge of the grid has, about.

    Attributes:
        halvings: from the picture to the grid.
        shape: channels, rows and columns of the latents.
        padded: rows and columns of the picture, made multiples of what a position covers.
    """

    def __init__(self, size: tuple[int, int], layers: SpatialLayers) -> None:
        self.halvings = max(1, round(math.log2(max(size) / layers.grid)))
        self.cell = 2**self.halvings
        rows, columns = (math.ceil(edge / self.cell) for edge in size)
        self.shape = (layers.channels, rows, columns)
        self.padded = (rows * self.cell, columns * self.cell)
        self.widths = [layers.widths[min(k, len(layers.widths) - 1)] for k in range(self.halvings)]

    @property
    def positions(self) -> int:
        """Number of positions of the grid, P."""
        return self.shape[1] * self.shape[2]

    def attended(self, level: int) -> bool:
        """Whether positions see each other on the grid that is ``level + 1`` times halved."""
        return max(self.padded) // 2 ** (level + 1) <= ATTENDED

    def gaussian(self, parameters: Tensor) -> DiagonalGaussian:
        """From (B, 2 channels, rows, columns) to a Gaussian over (B, channels, P)."""
        mean, log_variance = parameters.float().flatten(2).chunk(2, dim=1)
        return DiagonalGaussian(mean, log_variance.clamp(*LOG_VARIANCE))


class SpatialEncoder(nn.Module):
    """Pictures and their conditions -> the posterior of their latents.

    Args:
        spec: the data set.
        grid: of the latents.
        layers: size of the network.
        context: width of the embedded conditions.
    """

    def __init__(self, spec: DataSpec, grid: LatentGrid, layers: SpatialLayers, context: int) -> None:
        super().__init__()
        self.grid = grid
        widths = grid.widths
        self.shrink = nn.ModuleList()
        self.levels = nn.ModuleList()
        before = 2 * spec.channels
        for level, width in enumerate(widths):
            self.shrink.append(Halve(before, width))
            self.levels.append(Level([width] * (layers.blocks + 1), context, grid.attended(level)))
            before = width
        self.norm = group_norm(before)
        self.out = nn.Conv2d(before, 2 * grid.shape[0], 3, padding=1)

    def forward(self, images: Tensor, context: Tensor) -> DiagonalGaussian:
        """(B, C, H, W) in [0, 1] and (B, context) -> a Gaussian over (B, channels, P)."""
        seen = torch.cat([2 * images - 1, (images > 0).to(images.dtype)], dim=1)
        x = padded(seen, self.grid.padded, 1)
        for shrink, level in zip(self.shrink, self.levels, strict=True):
            x = level(shrink(x), context)
        return self.grid.gaussian(self.out(functional.silu(self.norm(x))))


class SpatialDecoder(nn.Module):
    """Latents and conditions -> channels at full resolution, by nearest neighbours and convolutions.

    Args:
        size: rows and columns of the pictures.
        channels_out: of the result.
        grid: of the latents.
        layers: size of the network.
        context: width of the embedded conditions.
    """

    def __init__(
        self, size: tuple[int, int], channels_out: int, grid: LatentGrid, layers: SpatialLayers, context: int
    ) -> None:
        super().__init__()
        self.size, self.grid = size, grid
        widths = grid.widths[::-1]
        self.stem = nn.Conv2d(grid.shape[0], widths[0], 3, padding=1)
        self.place = positions(widths[0], *grid.shape[1:])
        self.levels = nn.ModuleList()
        self.grow = nn.ModuleList()
        for level, width in enumerate(widths):
            attended = grid.attended(len(widths) - 1 - level)
            self.levels.append(Level([width] * (layers.blocks + 1), context, attended))
            self.grow.append(Double(width, widths[level + 1] if level + 1 < len(widths) else layers.finest))
        self.hidden = nn.Conv2d(layers.finest, layers.finest, 3, padding=1)
        self.norm = group_norm(layers.finest)
        self.out = nn.Conv2d(layers.finest, channels_out, 3, padding=1)

    def forward(self, z: Tensor, context: Tensor) -> Tensor:
        """(B, channels, P) and (B, context) -> (B, channels_out, H, W)."""
        x = self.stem(z.unflatten(2, self.grid.shape[1:])) + self.place
        for level, grow in zip(self.levels, self.grow, strict=True):
            x = grow(level(x, context))
        x = self.out(functional.silu(self.norm(self.hidden(functional.silu(x)))))
        return x[:, :, : self.size[0], : self.size[1]]


class ConditionalPrior(nn.Module):
    """p(z | c): a Gaussian for each position, decided by the conditions; N(0, I) at the start.

    Args:
        grid: of the latents.
        width: channels of its features.
        context: width of the embedded conditions.
    """

    def __init__(self, grid: LatentGrid, width: int, context: int) -> None:
        super().__init__()
        self.grid = grid
        self.place = positions(width, *grid.shape[1:])
        self.level = Level([width, width, width], context)
        self.out = zeroed(nn.Conv2d(width, 2 * grid.shape[0], 1))

    def forward(self, context: Tensor) -> DiagonalGaussian:
        """(B, context) -> a Gaussian over (B, channels, P)."""
        x = self.level(self.place.expand(len(context), -1, -1, -1), context)
        return self.grid.gaussian(self.out(functional.silu(x)))
