"""The likelihood of pictures that are exactly zero where nothing was seen, and a smooth density elsewhere.

A density alone would put haze around a breast. Two maps are decoded instead: whether anything is there
(Bernoulli), and the intensity where something is (Laplace or Gaussian, with one learned scale).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.core.spec import DataSpec

LIKELIHOODS = ("laplace", "gaussian")
SCALES = ("local", "learned", "analytic")
FIRST_SCALE = 0.1  # of an intensity, before anything is learned
PACE = 10.0  # of the logarithm of the scale: one number goes a longer way than the weights of a network
FRINGE = 2  # pixels
LEAST_LOCAL = 0.01  # of intensities: a local scale that follows single pixels would follow noise


class NegativeLogLikelihood(NamedTuple):
    """Nats of each picture, both (B,), of where it is zero and of its other intensities; the mean scale."""

    occupancy: Tensor
    intensity: Tensor
    scale: Tensor


class Decoded(NamedTuple):
    """What a decoder says of each pixel, all (B, C, H, W).

    Attributes:
        logits: of something being there.
        mean: of the intensity, where something is.
        log_scale: of its density, or the offset of one pixel from the common scale.
    """

    logits: Tensor
    mean: Tensor
    log_scale: Tensor


class ReconstructionLoss(nn.Module):
    """Negative log likelihood in nats per picture: L1 (``laplace``) or squared error (``gaussian``).

    Args:
        spec: the data set; half a stored level parts zero from something, and one is the smallest scale.
        likelihood: ``laplace`` or ``gaussian``.
        scale: ``local``: decoded with the picture, so that busy tissue may be told less exactly than fat;
            or one for all pixels, ``learned`` with the other weights, or ``analytic``, the best one for the
            errors of each batch (Rybkin et al. 2021, sigma-VAE).
    """

    def __init__(self, spec: DataSpec, likelihood: str, scale: str) -> None:
        super().__init__()
        self.laplace, self.local = likelihood == "laplace", scale == "local"
        self.least = math.log(1 / spec.levels)
        self.half_level = 0.5 / spec.levels
        self.channels = (3 if self.local else 2) * spec.channels
        start = torch.full((1,), math.log(FIRST_SCALE) / PACE)
        self.raw = nn.Parameter(start) if scale == "learned" else None

    def read(self, maps: Tensor) -> Decoded:
        """The parts of (B, channels, H, W) decoded maps; the scale is 0 where it is not decoded."""
        parts = maps.float().chunk(3 if self.local else 2, dim=1)
        if not self.local:
            return Decoded(parts[0], parts[1], torch.zeros_like(parts[0]))
        log_scale = (parts[2] + math.log(FIRST_SCALE)).clamp(math.log(LEAST_LOCAL), 0.0)
        return Decoded(parts[0], parts[1], log_scale)

    def forward(self, maps: Tensor, images: Tensor) -> NegativeLogLikelihood:
        """Nats of (B, C, H, W) images given (B, channels, H, W) decoded maps."""
        logits, mean, log_scale = self.read(maps)
        there = self.there(images)
        occupancy = functional.binary_cross_entropy_with_logits(logits, there, reduction="none")
        error = (images - mean) * there
        if not self.local:
            log_scale = self._common(error, there)
        away = error / log_scale.exp()
        density = away.abs() if self.laplace else 0.5 * away.square()
        constant = math.log(2) if self.laplace else 0.5 * math.log(2 * math.pi)
        density = density + (log_scale + constant) * there
        scale = (log_scale.detach().exp() * there).sum() / there.sum().clamp_min(1)
        return NegativeLogLikelihood(occupancy.flatten(1).sum(1), density.flatten(1).sum(1), scale)

    def fringe(self, maps: Tensor, images: Tensor) -> Tensor:
        """Brightness of decoded maps just outside of what is in images, in units of 0.1, summed: (B,).

        The likelihood says nothing of an intensity where nothing is. A decoded outline that goes a pixel too
        far shows it all the same; what is there fades out, and so should this.
        """
        there = self.there(images)
        beside = functional.max_pool2d(there, 2 * FRINGE + 1, stride=1, padding=FRINGE) - there
        return (self.read(maps).mean.abs() * beside).flatten(1).sum(1) / FIRST_SCALE

    def there(self, images: Tensor) -> Tensor:
        """1 where (B, C, H, W) images are not zero, else 0."""
        return (images > self.half_level).float()

    def errors(self, maps: Tensor, images: Tensor) -> Tensor:
        """What decoded maps leave out of images where something is, over the local scale: (B, C, H, W)."""
        _, mean, log_scale = self.read(maps)
        return (images - mean) * self.there(images) / log_scale.exp()

    def picture(self, maps: Tensor, errors: Tensor | None = None) -> Tensor:
        """The picture of decoded maps, with (B, C, H, W) errors in it if given: (B, C, H, W) in [0, 1]."""
        logits, mean, log_scale = self.read(maps)
        if errors is not None:
            mean = mean + errors * log_scale.exp()
        return mean.clamp(2 * self.half_level, 1) * (logits > 0)

    def _common(self, error: Tensor, there: Tensor) -> Tensor:
        """The logarithm of the one scale of all pixels."""
        if self.raw is not None:
            return (PACE * self.raw[0]).clamp_min(self.least)
        size = error.abs() if self.laplace else error.square()
        best = (size.sum() / there.sum().clamp_min(1)).clamp_min(1e-12).log()
        return (best if self.laplace else 0.5 * best).clamp_min(self.least)
