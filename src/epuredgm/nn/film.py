"""Residual blocks that a condition scales and shifts, and that start as if there were no condition.

A family whose code should carry what the condition does not tell must not begin with a random dependence on
the condition: the last layer of every scale and shift is zero at the start.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.blocks import Attention, group_norm, zeroed

AttentionBlock = Attention
"""Residual self-attention whose projection starts at zero; see :class:`epuredgm.nn.blocks.Attention`."""


class FiLMLayer(nn.Module):
    """``x * (1 + g) + b`` with g and b decided by a context (Perez et al. 2018); the identity at the start.

    Args:
        channels: of the features.
        context: width of the context vector.
    """

    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(context, context)
        self.out = zeroed(nn.Linear(context, 2 * channels))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, channels, H, W) and (B, context) -> (B, channels, H, W)."""
        scale, shift = self.out(functional.silu(self.hidden(context)))[:, :, None, None].chunk(2, dim=1)
        return x * (1 + scale) + shift


class ResidualBlock(nn.Module):
    """Twice GroupNorm, SiLU and a 3x3 convolution, with FiLM after the second normalisation.

    Args:
        channels_in, channels_out: of the features.
        context: width of the context vector.
    """

    def __init__(self, channels_in: int, channels_out: int, context: int) -> None:
        super().__init__()
        self.norm_in = group_norm(channels_in)
        self.conv_in = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm_out = group_norm(channels_out)
        self.film = FiLMLayer(channels_out, context)
        self.conv_out = zeroed(nn.Conv2d(channels_out, channels_out, 3, padding=1))
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, channels_in, H, W) and (B, context) -> (B, channels_out, H, W)."""
        hidden = self.conv_in(functional.silu(self.norm_in(x)))
        hidden = self.film(self.norm_out(hidden), context)
        return self.shortcut(x) + self.conv_out(functional.silu(hidden))


class Level(nn.Module):
    """Residual blocks of one resolution, with attention after the last where it is wanted.

    Args:
        widths: channels before the first block and after each.
        context: width of the context vector.
        attention: whether positions see each other; for small grids.
    """

    def __init__(self, widths: list[int], context: int, attention: bool = False) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(*pair, context) for pair in pairwise(widths))
        self.attention = AttentionBlock(widths[-1]) if attention else nn.Identity()

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, widths[0], H, W) and (B, context) -> (B, widths[-1], H, W)."""
        for block in self.blocks:
            x = block(x, context)
        attended: Tensor = self.attention(x)
        return attended
