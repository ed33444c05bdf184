"""Sizes of the networks, as configurations give them: one group of keys for each network of a family.

Nothing here imports torch: the keys are checked when a study is planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from epuredgm.core.fields import Mark, Problem, between, entries
from epuredgm.core.spec import DataSpec

HEAD = 32  # channels of a head of attention
ATTENDED = 16  # longest edge of a grid of latents on which positions see each other
REACH = 4  # pictures: a position of the coarsest grid that covers more sees nothing but padding

Patch = Annotated[int, between(1, 1024)]
Channels = Annotated[int, between(1, 65_536)]
Widths = Annotated[list[Channels], entries(1, 12)]
Blocks = Annotated[int, between(1, 64)]
EvenWidth = Annotated[
    int, Mark("an even number from 2 to 65,536", lambda n: 2 <= n <= 65_536 and n % 2 == 0, whole=True)
]


def heads_of(channels: int, head: int = HEAD) -> int:
    """Heads of the attention between positions of so many channels."""
    return max(1, channels // head)


def _attention(width: int) -> Iterator[Problem]:
    """Heads share the channels evenly."""
    if width % heads_of(width):
        yield "widths", f"must end with a multiple of its {heads_of(width)} heads of attention, not {width}"


def _grid(patch: int, widths: list[int], spec: DataSpec) -> Iterator[Problem]:
    """Patches, and what is left after all halvings, are not larger than the picture."""
    edge, coarsest = max(spec.size), patch * 2 ** (len(widths) - 1)
    if patch > edge:
        yield "patch", f"must be at most the picture's longer edge, {edge}, not {patch}"
    elif coarsest > REACH * edge:
        yield (
            "widths",
            f"halves the grid too often: after {len(widths)} levels a position covers {coarsest:,} pixels of "
            f"a picture of {spec.height} x {spec.width}",
        )


@dataclass(frozen=True)
class UNetLayers:
    """Of a :class:`epuredgm.nn.unet.UNet`.

    Attributes:
        patch: edge of a patch, in pixels.
        widths: channels of each level; the grid halves from one to the next.
        blocks: residual blocks per level and direction.
        attention: whether the last level has self-attention.
    """

    patch: Patch
    widths: Widths
    blocks: Blocks
    attention: bool

    def rules(self) -> Iterator[Problem]:
        """Heads divide what they attend to."""
        if self.attention:
            yield from _attention(self.widths[-1])

    def fits(self, spec: DataSpec) -> Iterator[Problem]:
        """The picture is large enough."""
        yield from _grid(self.patch, self.widths, spec)


@dataclass(frozen=True)
class EncoderLayers:
    """Of a :class:`epuredgm.nn.coder.Encoder`.

    Attributes:
        patch: edge of a patch, in pixels.
        widths: channels of each level; the grid halves from one to the next.
        blocks: residual blocks per level.
        features: width of the result.
    """

    patch: Patch
    widths: Widths
    blocks: Blocks
    features: Channels

    def fits(self, spec: DataSpec) -> Iterator[Problem]:
        """The picture is large enough."""
        yield from _grid(self.patch, self.widths, spec)


@dataclass(frozen=True)
class DecoderLayers:
    """Of a :class:`epuredgm.nn.coder.Decoder`.

    Attributes:
        patch: edge of a patch, in pixels.
        widths: channels of each level, from fine to coarse.
        blocks: residual blocks per level.
    """

    patch: Patch
    widths: Widths
    blocks: Blocks

    def fits(self, spec: DataSpec) -> Iterator[Problem]:
        """The picture is large enough."""
        yield from _grid(self.patch, self.widths, spec)


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

    grid: Annotated[int, between(1, 1024)]
    channels: Channels
    widths: Widths
    finest: Channels
    blocks: Blocks

    def rules(self) -> Iterator[Problem]:
        """On a small grid positions attend to each other."""
        if self.grid <= ATTENDED:
            yield from _attention(self.widths[-1])
