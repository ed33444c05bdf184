"""A denoising autoencoder whose bottleneck tells designs apart, and also tells what is wrong with them.

From a spoiled design the bottleneck must say what the design was (Vincent et al. 2008, "Extracting and
composing robust features with denoising autoencoders") and where it is spoiled. The second task is what makes
its features fit for comparisons: a network that only has to remove noise learns to be blind to it, so that
noisy designs would look like real ones.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.coder import Decoder, Encoder
from epuredgm.nn.layers import DecoderLayers, EncoderLayers
from epuredgm.nn.pixels import PatchesToLogits

VERSION = 1  # of everything that features depend on beside the weights
WIDTHS = [16, 32, 64]
HIDDEN = 128  # width of the layers before and after the bottleneck
POSITIONS = 128  # of the finest grid, at least, as long as patches stay small enough
LARGEST_PATCH = 16
SENSED = 0.02  # difference of grey intensities that counts as half wrong: small faults must be seen too
CONTRAST = 8.0  # of fine detail, that grey pictures are seen beside
ROUNDING = 1e-6  # deviation of a feature, of the largest number in any, that single precision leaves of none
FAINTEST = 1e-3  # deviation of a feature, of the largest one's, below which it is not stretched further


class Reading(NamedTuple):
    """What the network makes of a spoiled design.

    Attributes:
        clean: logits of the design without faults, (B, C, H, W).
        wrong: logits of the share of wrong pixels of each component in each patch, (B, C, h, w).
    """

    clean: Tensor
    wrong: Tensor


class FeatureNetwork(nn.Module):
    """Designs -> features.

    Args:
        size: rows and columns of the images.
        components: of a design, C.
        features: D, width of the bottleneck.
        grey: intensities in place of masks: fine detail is seen beside them, and small faults count.
    """

    centre: Tensor
    stretch: Tensor

    def __init__(self, size: tuple[int, int], components: int, features: int, grey: bool = False) -> None:
        super().__init__()
        self.patch, self.grey = patch_of(size), grey
        seen = 2 * components if grey else components
        self.encoder = Encoder(size, seen, context=1, layers=EncoderLayers(self.patch, WIDTHS, 1, HIDDEN))
        self.bottleneck = nn.Linear(HIDDEN, features)
        self.spread = nn.Linear(features, HIDDEN)
        self.decoder = Decoder(
            size,
            components,
            context=HIDDEN,
            layers=DecoderLayers(self.patch, WIDTHS, 1),
            pixels=PatchesToLogits,
        )
        self.coarse = (components, *(math.ceil(edge / self.patch) for edge in size))
        self.locate = nn.Linear(HIDDEN, math.prod(self.coarse))
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("stretch", torch.eye(features))

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, D) features, on train designs of mean 0 and covariance 1."""
        return (self.encode(images) - self.centre) @ self.stretch

    def encode(self, images: Tensor) -> Tensor:
        """The bottleneck itself: (B, C, H, W) -> (B, D)."""
        nothing = images.new_zeros(len(images), 1)  # the blocks' context: features know the images alone
        seen = torch.cat([images, detail(images)], dim=1) if self.grey else images
        return self.bottleneck(self.encoder(seen, nothing))

    def read(self, images: Tensor) -> Reading:
        """What the bottleneck says of spoiled designs (B, C, H, W)."""
        hidden = self.spread(self.encode(images))
        wrong = self.locate(functional.silu(hidden)).unflatten(1, self.coarse)
        return Reading(self.decoder(hidden), wrong)

    def loss(self, spoiled: Tensor, clean: Tensor, weight: float) -> Tensor:
        """Cross-entropy of the clean pixels, plus ``weight`` times that of the shares of wrong ones."""
        reading = self.read(spoiled)
        wrong = (spoiled - clean).abs()
        wrong = wrong / (wrong + SENSED) if self.grey else wrong
        shares = functional.avg_pool2d(wrong, self.patch, ceil_mode=True)
        pixels = functional.binary_cross_entropy_with_logits(reading.clean, clean)
        return pixels + weight * functional.binary_cross_entropy_with_logits(reading.wrong, shares)

    @torch.no_grad()
    def whiten(self, codes: Tensor) -> int:
        """Let the bottlenecks (N, D) of real designs have features of mean 0 and covariance 1, N > 1.

        A direction that real designs hardly vary in is one in which faults show; it is stretched no further
        than one with a thousandth of the largest deviation.

        Returns:
            The number of directions in which the designs do not vary at all, but for rounding: there is no
            unit to measure faults in along these.
        """
        codes = codes.double()
        centre = codes.mean(0)
        variances, axes = torch.linalg.eigh(codes.T.cov())
        deviations = variances.clamp(min=0).sqrt()
        constant = deviations <= ROUNDING * codes.abs().max()
        least = (FAINTEST * deviations.max()).clamp(min=1e-12)
        self.centre.copy_(centre)
        self.stretch.copy_(axes / deviations.clamp(min=least))
        return int(constant.sum())


def detail(images: Tensor) -> Tensor:
    """How a grey pixel differs from the 3 x 3 pixels around it, in (-1, 1); strong where it is faint."""
    mean = functional.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
    return torch.tanh(CONTRAST * (images - mean))


def patch_of(size: tuple[int, int]) -> int:
    """Edge of a patch, a power of two: as large as leaves 128 positions, so that large images cost little."""
    edge = math.sqrt(size[0] * size[1] / POSITIONS)
    return int(min(LARGEST_PATCH, 2 ** math.floor(math.log2(max(1.0, edge)))))
