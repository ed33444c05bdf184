"""The residual encoder and decoder of the families with a latent vector, on space-to-depth patches."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.blocks import Double, Halve, Stack, group_norm, positions
from epuredgm.nn.layers import DecoderLayers, EncoderLayers
from epuredgm.nn.patches import padded, patch_grid, space_to_depth, with_planes
from epuredgm.nn.pixels import PatchesToLogits, PatchesToPixels


class Encoder(nn.Module):
    """Images and a context vector -> features of the whole design.

    Args:
        size: rows and columns of the images.
        channels_in: of the images.
        numbers: of each design, seen beside the images (flags of given components); may be 0.
        context: width of the context vector.
        layers: size of the network.
        normalised: whether features are normalised, each design by itself.
    """

    def __init__(
        self,
        size: tuple[int, int],
        channels_in: int,
        numbers: int = 0,
        *,
        context: int,
        layers: EncoderLayers,
        normalised: bool = True,
    ) -> None:
        super().__init__()
        patch, widths = layers.patch, layers.widths
        self.patch = patch
        rows, columns = self.grid = patch_grid(size, patch, len(widths))
        self.stem = nn.Conv2d(channels_in * patch**2 + numbers, widths[0], 3, padding=1)
        self.stacks = nn.ModuleList()
        self.shrink = nn.ModuleList()
        for level, width in enumerate(widths):
            self.stacks.append(Stack(width, width, layers.blocks, context, normalised))
            if level + 1 < len(widths):
                self.shrink.append(Halve(width, widths[level + 1]))
        scale = 2 ** (len(widths) - 1)
        self.norm = group_norm(widths[-1], normalised)
        self.out = nn.Linear(widths[-1] * (rows // scale) * (columns // scale), layers.features)

    def forward(self, images: Tensor, context: Tensor, numbers: Tensor | None = None) -> Tensor:
        """(B, channels_in, H, W), (B, context) and, if there are any, (B, numbers) -> (B, features)."""
        patches = space_to_depth(padded(images, self.grid, self.patch), self.patch)
        x = self.stem(patches if numbers is None else with_planes(patches, numbers))
        context = functional.silu(context)
        for level, stack in enumerate(self.stacks):
            x = stack(x, context)
            if level < len(self.shrink):
                x = self.shrink[level](x)
        return functional.silu(self.out(functional.silu(self.norm(x)).flatten(1)))


class Decoder(nn.Module):
    """A latent vector with its context -> logits; the mirror image of :class:`Encoder`.

    Args:
        size: rows and columns of the images.
        channels_out: logits per pixel.
        context: width of the vector that every block sees.
        beside: channels of images that the finest level sees (known components); may be 0.
        layers: size of the network.
        pixels: how patch features become pixels.
    """

    def __init__(
        self,
        size: tuple[int, int],
        channels_out: int,
        beside: int = 0,
        *,
        context: int,
        layers: DecoderLayers,
        pixels: type[PatchesToPixels] | type[PatchesToLogits] = PatchesToPixels,
    ) -> None:
        super().__init__()
        patch, widths = layers.patch, layers.widths
        self.size, self.patch = size, patch
        rows, columns = self.grid = patch_grid(size, patch, len(widths))
        scale = 2 ** (len(widths) - 1)
        self.coarse = (widths[-1], rows // scale, columns // scale)
        self.start = nn.Linear(context, math.prod(self.coarse))
        self.stacks = nn.ModuleList()
        self.grow = nn.ModuleList()
        for level, width in reversed(list(enumerate(widths))):
            self.stacks.append(Stack(width, width, layers.blocks, context))
            if level:
                self.grow.append(Double(width, widths[level - 1]))
        self.place = positions(widths[0], rows, columns)
        self.look = nn.Conv2d(beside * patch**2, widths[0], 3, padding=1) if beside else nn.Identity()
        self.pixels = pixels(widths[0], patch, beside, channels_out)

    def forward(self, context: Tensor, beside: Tensor | None = None) -> Tensor:
        """(B, context) and, if they are seen, images (B, beside, H, W) -> (B, channels_out, H, W)."""
        seen = [] if beside is None else [padded(beside, self.grid, self.patch)]
        context = functional.silu(context)
        x = self.start(context).view(-1, *self.coarse)
        for level, stack in enumerate(self.stacks):
            if level:
                x = self.grow[level - 1](x)
            if level + 1 == len(self.stacks):
                x = x + self.place
                for images in seen:
                    x = x + self.look(space_to_depth(images, self.patch))
            x = stack(x, context)
        return self.pixels(x, *seen)[:, :, : self.size[0], : self.size[1]]
