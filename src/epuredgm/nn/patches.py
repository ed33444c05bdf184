"""Space-to-depth: a network on patches costs a fraction of one on pixels, and loses nothing.

A patch of p x p pixels becomes one position with p * p times the channels.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import DataSpec


def space_to_depth(images: Tensor, patch: int) -> Tensor:
    """(B, C, H, W) -> (B, C * patch * patch, H / patch, W / patch); :func:`depth_to_space` is the inverse."""
    return functional.pixel_unshuffle(images, patch)


def depth_to_space(features: Tensor, patch: int) -> Tensor:
    """(B, C * patch * patch, H, W) -> (B, C, H * patch, W * patch); :func:`space_to_depth` is the inverse."""
    return functional.pixel_shuffle(features, patch)


def patch_grid(spec: DataSpec, patch: int, levels: int) -> tuple[int, int]:
    """Rows and columns of the patch grid of a network that halves it ``levels - 1`` times.

    Raises:
        BadRequest: if the images cannot be cut so.
    """
    step = patch * 2 ** (levels - 1)
    if spec.height % step or spec.width % step:
        raise BadRequest(
            f"data set {spec.name}: size {spec.height} x {spec.width} is not a multiple of {step}, "
            f"which a network of {levels} levels on {patch} x {patch} patches needs",
            "Choose a smaller model.network.patch, fewer model.network.widths, or another dataset.size.",
        )
    return spec.height // patch, spec.width // patch
