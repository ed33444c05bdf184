"""From patch features back to pixels: what a patch says is refined where single pixels decide.

A network on patches draws broad shapes well and loses tips one pixel wide, which decide a measured width. Two
narrow convolutions on patches of 2 x 2, which see the input again, cost little and keep them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.blocks import group_norm
from epuredgm.nn.patches import depth_to_space, space_to_depth

FEATURES = 16  # beside the draft of the result, per small patch
HIDDEN = 32


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
        self.small = 2 if patch % 2 == 0 else 1
        self.factor = patch // self.small
        self.draft = channels_out * self.small**2
        self.norm = group_norm(width)
        self.spread = nn.Conv2d(width, (self.draft + FEATURES) * self.factor**2, 1)
        self.hidden = nn.Conv2d(self.draft + FEATURES + beside * self.small**2, HIDDEN, 3, padding=1)
        self.out = nn.Conv2d(HIDDEN, self.draft, 3, padding=1)

    def forward(self, features: Tensor, *beside: Tensor) -> Tensor:
        """(B, width, H / patch, W / patch) and images of H x W -> (B, channels_out, H, W)."""
        spread = depth_to_space(self.spread(functional.silu(self.norm(features))), self.factor)
        hidden = self.hidden(
            torch.cat([spread, *(space_to_depth(image, self.small) for image in beside)], dim=1)
        )
        return depth_to_space(spread[:, : self.draft] + self.out(functional.silu(hidden)), self.small)


class PatchesToLogits(nn.Module):
    """The plain way: the pixels of a patch are linear in its features; for where single pixels may be missed.

    Args:
        width: channels of the patch features.
        patch: edge of a patch, in pixels.
        beside: channels of the images beside the features, which it does not look at.
        channels_out: of the result.
    """

    def __init__(self, width: int, patch: int, beside: int, channels_out: int) -> None:
        super().__init__()
        self.patch = patch
        self.norm = group_norm(width)
        self.out = nn.Conv2d(width, channels_out * patch**2, 1)

    def forward(self, features: Tensor, *beside: Tensor) -> Tensor:
        """(B, width, H / patch, W / patch) -> (B, channels_out, H, W)."""
        return depth_to_space(self.out(functional.silu(self.norm(features))), self.patch)
