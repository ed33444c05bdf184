"""Sizes of the networks, as configurations give them: one group of keys for each network of a family."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UNetLayers:
    """Of a :class:`epuredgm.nn.unet.UNet`.

    Attributes:
        patch: edge of a patch, in pixels.
        widths: channels of each level; the grid halves from one to the next.
        blocks: residual blocks per level and direction.
        attention: whether the last level has self-attention.
    """

    patch: int
    widths: list[int]
    blocks: int
    attention: bool


@dataclass(frozen=True)
class EncoderLayers:
    """Of a :class:`epuredgm.nn.coder.Encoder`.

    Attributes:
        patch: edge of a patch, in pixels.
        widths: channels of each level; the grid halves from one to the next.
        blocks: residual blocks per level.
        features: width of the result.
    """

    patch: int
    widths: list[int]
    blocks: int
    features: int


@dataclass(frozen=True)
class DecoderLayers:
    """Of a :class:`epuredgm.nn.coder.Decoder`.

    Attributes:
        patch: edge of a patch, in pixels.
        widths: channels of each level, from fine to coarse.
        blocks: residual blocks per level.
    """

    patch: int
    widths: list[int]
    blocks: int


@dataclass(frozen=True)
class SpatialLayers:
    """Of a :class:`epuredgm.nn.spatial_coder.SpatialEncoder` and its decoder.

    Attributes:
        grid: positions along the longer edge of the latents, about (the picture is halved a whole number of
            times).
        channels: latents at each position.
        widths: channels after each halving, from fine to coarse; the last serves all further ones.
        finest: channels at full resolution.
        blocks: residual blocks per level.
    """

    grid: int
    channels: int
    widths: list[int]
    finest: int
    blocks: int
