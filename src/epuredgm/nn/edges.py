"""How well edges are kept: gradients compared on three sizes of a picture, inside what is there."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = 3
CHARBONNIER = 1e-3  # below it the error counts squared
LEAST_GRADIENT = 1e-3  # mean gradient magnitude of a picture, for those with no edge at all
REACH = 2  # pixels that a smoothed gradient looks at around its own
SMOOTH = torch.tensor([1.0, 2.0, 1.0]) / 4  # binomial
SCHARR = torch.tensor([3.0, 10.0, 3.0]) / 16, torch.tensor([-1.0, 0.0, 1.0]) / 2


class EdgeLoss(nn.Module):
    """Charbonnier distance of gradient magnitudes, over the mean gradient of the true picture.

    0 for equal pictures, about 1 for a picture without edges. Pictures are lightly smoothed first: noise has
    gradients, but no edges.
    """

    smooth: Tensor
    along: Tensor

    def __init__(self) -> None:
        super().__init__()
        across, step = SCHARR
        gradient = torch.stack([torch.outer(across, step), torch.outer(step, across)])
        self.register_buffer("smooth", torch.outer(SMOOTH, SMOOTH)[None, None], persistent=False)
        self.register_buffer("along", gradient[:, None], persistent=False)

    def forward(self, drawn: Tensor, images: Tensor, there: Tensor) -> Tensor:
        """(B,) from (B, C, H, W) pictures and where something is, (B, C, H, W) in {0, 1}."""
        with torch.autocast(images.device.type, enabled=False):  # differences of neighbours need all digits
            return self._compare(drawn, images, there)

    def _compare(self, drawn: Tensor, images: Tensor, there: Tensor) -> Tensor:
        drawn, images, there = (
            part.float().flatten(0, 1)[:, None] for part in (drawn * there, images, there)
        )
        total = images.new_zeros(len(images))
        levels = 0
        while levels < LEVELS and min(images.shape[-2:]) > REACH:
            total = total + self._distance(drawn, images, eroded(there, REACH))
            drawn, images = functional.avg_pool2d(drawn, 2), functional.avg_pool2d(images, 2)
            there = -functional.max_pool2d(-there, 2)
            levels += 1
        return (total / max(1, levels)).view(-1, drawn.shape[1]).mean(1)

    def _distance(self, drawn: Tensor, images: Tensor, inside: Tensor) -> Tensor:
        """(N,): the distance at one size, where all that the gradient looks at is inside."""
        one, two = self._magnitude(drawn), self._magnitude(images)
        distance = ((one - two).square() + CHARBONNIER**2).sqrt() - CHARBONNIER
        area = inside.sum((1, 2, 3)).clamp_min(1)
        edges = (two * inside).sum((1, 2, 3)) / area
        return (distance * inside).sum((1, 2, 3)) / area / edges.clamp_min(LEAST_GRADIENT)

    def _magnitude(self, images: Tensor) -> Tensor:
        smooth = functional.conv2d(functional.pad(images, (1, 1, 1, 1), mode="reflect"), self.smooth)
        gradient = functional.conv2d(functional.pad(smooth, (1, 1, 1, 1), mode="reflect"), self.along)
        return (gradient.square().sum(1, keepdim=True) + 1e-12).sqrt()


def eroded(there: Tensor, reach: int) -> Tensor:
    """What is at least ``reach`` pixels away from all that is not there; the picture's border is no edge."""
    return 1 - functional.max_pool2d(1 - there, 2 * reach + 1, stride=1, padding=reach)
