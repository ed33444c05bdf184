"""The one U-Net of the families: images and a context vector in, images out, on patches."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.blocks import Attention, Double, Halve, ResidualBlock, Stack, positions, zeroed
from epuredgm.nn.layers import UNetLayers
from epuredgm.nn.patches import padded, patch_grid, space_to_depth, with_planes
from epuredgm.nn.pixels import PatchesToPixels


class UNet(nn.Module):
    """A residual U-Net whose every block sees a context vector (time, conditions).

    The context also draws a coarse layout of its own at the last level: a size that is asked for is a place
    on the grid, which scales and shifts alone, equal at every position, are slow to learn.

    Args:
        size: rows and columns of the images.
        channels_in: of the images.
        channels_out: channels of the result at full resolution.
        numbers: of each design, seen beside the images (flags of given components); may be 0.
        context: width of the context vector.
        layers: size of the network.
    """

    def __init__(
        self,
        size: tuple[int, int],
        channels_in: int,
        channels_out: int,
        numbers: int = 0,
        *,
        context: int,
        layers: UNetLayers,
    ) -> None:
        super().__init__()
        patch, widths, blocks = layers.patch, layers.widths, layers.blocks
        self.patch = patch
        rows, columns = self.grid = patch_grid(size, patch, len(widths))
        self.stem = nn.Conv2d(channels_in * patch**2 + numbers, widths[0], 3, padding=1)
        self.place = positions(widths[0], rows, columns)
        self.down = nn.ModuleList()
        self.shrink = nn.ModuleList()
        self.up = nn.ModuleList()
        self.grow = nn.ModuleList()
        for level, width in enumerate(widths):
            self.down.append(Stack(width, width, blocks, context))
            self.up.append(Stack(2 * width, width, blocks, context))
            if level + 1 < len(widths):
                self.shrink.append(Halve(width, widths[level + 1]))
                self.grow.append(Double(widths[level + 1], width))
        last, scale = widths[-1], 2 ** (len(widths) - 1)
        self.coarse = (last, rows // scale, columns // scale)
        self.layout = zeroed(nn.Linear(context, math.prod(self.coarse)))
        self.middle = ResidualBlock(last, last, context)
        self.attention = Attention(last) if layers.attention else nn.Identity()
        self.pixels = PatchesToPixels(widths[0], patch, channels_in, channels_out)

    def forward(self, images: Tensor, context: Tensor, numbers: Tensor | None = None) -> Tensor:
        """(B, channels_in, H, W), (B, context), (B, numbers) if there are any -> (B, channels_out, H, W)."""
        seen = padded(images, self.grid, self.patch)
        patches = space_to_depth(seen, self.patch)
        x = self.stem(patches if numbers is None else with_planes(patches, numbers)) + self.place
        context = functional.silu(context)
        skips: list[Tensor] = []
        for level, stack in enumerate(self.down):
            x = stack(x, context)
            skips.append(x)
            if level < len(self.shrink):
                x = self.shrink[level](x)
        x = x + self.layout(context).view(-1, *self.coarse)
        x = self.attention(self.middle(x, context))
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([x, skips[level]], dim=1), context)
            if level:
                x = self.grow[level - 1](x)
        return self.pixels(x, seen)[:, :, : images.shape[2], : images.shape[3]]
