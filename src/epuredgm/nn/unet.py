"""The one U-Net of the families that denoise: noisy images and evidence in, logits out, on patches."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.core.spec import DataSpec
from epuredgm.nn.blocks import Attention, Double, Halve, ResidualBlock, Stack, positions, zeroed
from epuredgm.nn.evidence import Evidence, with_flags
from epuredgm.nn.patches import padded, patch_grid, space_to_depth
from epuredgm.nn.pixels import PatchesToPixels


class UNet(nn.Module):
    """A residual U-Net whose every block sees a context vector (time, conditions).

    The context also draws a coarse layout of its own at the last level: a size that is asked for is a place
    on the grid, which scales and shifts alone, equal at every position, are slow to learn.

    Args:
        spec: size and components of the designs; in channels are the C noisy components, the C known ones and
            C flags.
        channels_out: channels of the result at full resolution.
        context: width of the context vector.
        patch: edge of a patch, in pixels.
        widths: channels of each level; the grid halves from one to the next.
        blocks: residual blocks per level and direction.
        attention: whether the last level has self-attention.
    """

    def __init__(
        self,
        spec: DataSpec,
        channels_out: int,
        *,
        context: int,
        patch: int,
        widths: Sequence[int],
        blocks: int,
        attention: bool,
    ) -> None:
        super().__init__()
        self.patch = patch
        rows, columns = self.grid = patch_grid(spec, patch, len(widths))
        self.stem = nn.Conv2d(2 * spec.channels * patch**2 + spec.channels, widths[0], 3, padding=1)
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
        self.attention = Attention(last) if attention else nn.Identity()
        self.pixels = PatchesToPixels(widths[0], patch, 2 * spec.channels, channels_out)

    def forward(self, x_t: Tensor, context: Tensor, evidence: Evidence) -> Tensor:
        """(B, C, H, W) noisy components, (B, context) and the known ones -> (B, channels_out, H, W)."""
        seen = torch.cat([x_t * ~evidence.given[:, :, None, None], evidence.values], dim=1)
        seen = padded(seen, self.grid, self.patch)
        x = self.stem(with_flags(space_to_depth(seen, self.patch), evidence)) + self.place
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
        return self.pixels(x, seen)[:, :, : x_t.shape[2], : x_t.shape[3]]
