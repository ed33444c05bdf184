"""From patch features back to pixels: what a patch says is refined where single pixels decide.

A network on patches draws broad shapes well and loses tips one pixel wide, which decide a measured width. Two
small convolutions at full resolution, which see neighbouring patches and the input, cost little and keep them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.blocks import group_norm, zeroed
from epuredgm.nn.patches import depth_to_space

FEATURES_PER_PIXEL = 8
HIDDEN = 16


class PatchesToPixels(nn.Module):
    """Patch features, and images beside them, -> channels at full resolution: a draft and its refinement.

    Args:
        width: channels of the patch features.
        patch: edge of a patch, in pixels.
        beside: channels of the images that are seen beside the features.
        channels_out: of the result.
    """

    def __init__(self, width: int, patch: int, beside: int, channels_out: int) -> None:
        super().__init__()
        self.patch, self.channels_out = patch, channels_out
        self.norm = group_norm(width)
        self.spread = nn.Conv2d(width, (channels_out + FEATURES_PER_PIXEL) * patch**2, 1)
        self.hidden = nn.Conv2d(channels_out + FEATURES_PER_PIXEL + beside, HIDDEN, 3, padding=1)
        self.out = zeroed(nn.Conv2d(HIDDEN, channels_out, 3, padding=1))

    def forward(self, features: Tensor, *beside: Tensor) -> Tensor:
        """(B, width, H / patch, W / patch) and images of H x W -> (B, channels_out, H, W)."""
        pixels = depth_to_space(self.spread(functional.silu(self.norm(features))), self.patch)
        hidden = self.hidden(torch.cat([pixels, *beside], dim=1))
        return pixels[:, : self.channels_out] + self.out(functional.silu(hidden))
