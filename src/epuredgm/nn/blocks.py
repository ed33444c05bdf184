"""Building blocks of the convolutional networks: residual block with context, attention, change of grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.layers import HEAD, heads_of

GROUP = 16  # channels per group of the normalisation, where they divide


def group_norm(channels: int, normalised: bool = True) -> nn.Module:
    """Normalisation over groups of 16 channels, or over all of them where 16 does not divide; or none."""
    if not normalised:
        return nn.Identity()
    return nn.GroupNorm(channels // GROUP if channels % GROUP == 0 else 1, channels)


def zeroed(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """The layer with zero weights, so that the branch it ends starts as nothing."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a scale and shift that the context decides (FiLM, Perez et al. 2018).

    Args:
        channels_in, channels_out: of the features.
        context: width of the context vector.
        normalised: whether features are normalised, each design by itself.
    """

    def __init__(self, channels_in: int, channels_out: int, context: int, normalised: bool = True) -> None:
        super().__init__()
        self.norm_in = group_norm(channels_in, normalised)
        self.conv_in = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.film = nn.Linear(context, 2 * channels_out)
        self.norm_out = group_norm(channels_out, normalised)
        self.conv_out = zeroed(nn.Conv2d(channels_out, channels_out, 3, padding=1))
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, channels_in, H, W) and (B, context) -> (B, channels_out, H, W)."""
        hidden = self.conv_in(functional.silu(self.norm_in(x)))
        scale, shift = self.film(context)[:, :, None, None].chunk(2, dim=1)
        hidden = self.norm_out(hidden) * (1 + scale) + shift
        return self.shortcut(x) + self.conv_out(functional.silu(hidden))


class Stack(nn.Module):
    """``count`` residual blocks; the first changes the number of channels."""

    def __init__(
        self, channels_in: int, channels_out: int, count: int, context: int, normalised: bool = True
    ) -> None:
        super().__init__()
        widths = [channels_in, *[channels_out] * (count - 1)]
        self.blocks = nn.ModuleList(
            ResidualBlock(width, channels_out, context, normalised) for width in widths
        )

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, channels_in, H, W) and (B, context) -> (B, channels_out, H, W)."""
        for block in self.blocks:
            x = block(x, context)
        return x


class Attention(nn.Module):
    """Residual softmax self-attention between all positions; for small grids.

    Args:
        channels: of the features, a multiple of ``head``.
        head: channels per head.
    """

    def __init__(self, channels: int, head: int = HEAD) -> None:
        super().__init__()
        self.heads = heads_of(channels, head)
        self.norm = group_norm(channels)
        self.mix = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        batch, channels, height, width = x.shape
        mixed = self.mix(self.norm(x)).view(batch, 3, self.heads, channels // self.heads, height * width)
        query, key, value = mixed.transpose(-1, -2).unbind(1)
        attended = functional.scaled_dot_product_attention(query, key, value)
        return x + self.out(attended.transpose(-1, -2).reshape(batch, channels, height, width))


class Halve(nn.Module):
    """Half the rows and columns: 2x2 space-to-depth and a 1x1 convolution."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H / 2, W / 2)."""
        return self.conv(x)


class Double(nn.Module):
    """Twice the rows and columns: a 1x1 convolution and nearest neighbours, which leave no checkerboard."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, 2 H, 2 W)."""
        return functional.interpolate(self.conv(x), scale_factor=2.0, mode="nearest")


def positions(channels: int, rows: int, columns: int) -> nn.Parameter:
    """A learned feature per position, (1, channels, rows, columns): where on the design a patch lies."""
    return nn.Parameter(0.02 * torch.randn(1, channels, rows, columns))
