"""Likeness of two grey pictures: SSIM (Wang et al. 2004) and MS-SSIM (Wang et al. 2003), PSNR and L1.

All take pairs of pictures (N, 1, H, W) in [0, 1]: the data range is 1. SSIM looks through a Gaussian window
of 11 x 11 pixels with a standard deviation of 1.5, at the places where it lies inside the picture, with
K1 = 0.01 and K2 = 0.03.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, from fine to coarse (Wang et al. 2003, section 3.2)."""

CHUNK = 1 << 21
"""Pixels of one side that are compared at a time."""

OfPairs = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class Maps(NamedTuple):
    """SSIM at every place of the window, and its part without luminance; (N, h, w)."""

    ssim: Tensor
    structure: Tensor


def scales_of(height: int, width: int) -> int:
    """Scales of MS-SSIM whose pictures hold the window; at most five, 0 if none does."""
    edge, count = min(height, width), 0
    while count < len(WEIGHTS) and edge >= WINDOW:
        edge, count = edge // 2, count + 1
    return count


def ssim(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """(N,) mean SSIM of pairs; NaN where the window does not fit, or the mask is empty.

    Args:
        x, y: (N, 1, H, W).
        mask: bool (N, 1, H, W): only places whose middle lies in it count.
    """
    return _over_chunks(lambda a, b, m: _mean(maps(a, b).ssim, m), x, y, mask)


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """(N,) MS-SSIM of pairs over as many scales as hold the window; their weights are made to sum to 1.

    Negative parts count as 0, as is usual.
    """
    return _over_chunks(lambda a, b, _: _ms_ssim(a, b), x, y, None)


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """(N,) peak signal-to-noise ratio in dB; of equal pictures as of a mean squared error of 1e-12."""
    return -10 * torch.log10((x - y).square().mean(dim=(1, 2, 3)).clamp(min=1e-12))


def l1(x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
    """(N,) mean absolute difference, inside the mask (N, 1, H, W) if there is one."""
    difference = (x - y).abs()
    if mask is None:
        return difference.mean(dim=(1, 2, 3))
    return (difference * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3))


def maps(x: Tensor, y: Tensor) -> Maps:
    """SSIM wherever the window lies inside pictures (N, 1, H, W); N may be 0."""
    parts = torch.cat([x, y, x * x, y * y, x * y], dim=1)
    mx, my, xx, yy, xy = _through_window(parts).unbind(dim=1)
    c1, c2 = K1**2, K2**2
    mxx, myy, mxy = mx * mx, my * my, mx * my
    structure = (2 * (xy - mxy) + c2) / (xx - mxx + yy - myy + c2)
    luminance = (2 * mxy + c1) / (mxx + myy + c1)
    return Maps(luminance * structure, structure)


def _through_window(images: Tensor) -> Tensor:
    """(N, K, H, W) -> (N, K, H - 10, W - 10): means under the window."""
    place = torch.arange(WINDOW, dtype=images.dtype) - WINDOW // 2
    weights = torch.exp(-place.square() / (2 * SIGMA**2))
    weights = weights / weights.sum()
    flat = images.flatten(0, 1).unsqueeze(1)
    flat = functional.conv2d(flat, weights.view(1, 1, -1, 1))
    flat = functional.conv2d(flat, weights.view(1, 1, 1, -1))
    return flat.view(*images.shape[:2], *flat.shape[2:])


def _ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    scales = scales_of(*x.shape[2:])
    weights = torch.tensor(WEIGHTS[:scales], dtype=x.dtype)
    weights = weights / weights.sum()
    found = torch.ones(len(x), dtype=x.dtype)
    for scale in range(scales):
        if scale:
            x, y = functional.avg_pool2d(x, 2), functional.avg_pool2d(y, 2)
        both = maps(x, y)
        part = both.ssim if scale + 1 == scales else both.structure
        found = found * part.mean(dim=(1, 2)).clamp(min=0) ** weights[scale]
    return found


def _mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """(N,) of maps (N, h, w), inside the part of a mask (N, 1, H, W) that the window's middle reaches."""
    if mask is None:
        return values.mean(dim=(1, 2))
    half = WINDOW // 2
    inside = mask[:, 0, half:-half, half:-half]
    return (values * inside).sum(dim=(1, 2)) / inside.sum(dim=(1, 2))


def _over_chunks(figure: OfPairs, x: Tensor, y: Tensor, mask: Tensor | None) -> Tensor:
    if not scales_of(*x.shape[2:]):
        return torch.full((len(x),), torch.nan)
    step = max(1, CHUNK // (x.shape[2] * x.shape[3]) // 8)
    parts = [
        figure(x[i : i + step], y[i : i + step], None if mask is None else mask[i : i + step])
        for i in range(0, len(x), step)
    ]
    return torch.cat(parts) if parts else torch.empty(0)
