"""What a decoder leaves out of a picture, drawn anew: noise with the correlation of its real errors.

A decoder says the middle of what a picture may be, which is smoother than any picture, and errors that were
drawn for each pixel by itself would be grain. Real errors belong together with those around them: how, is
measured on train pictures as a power spectrum, and drawn.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

LARGEST = 5.0  # scales that a drawn error stays within


class Texture(nn.Module):
    """Stationary Gaussian noise with a measured spectrum; white, of unit variance, before :meth:`fit`.

    Args:
        channels: of the pictures.
        size: their rows and columns.
    """

    spectrum: Tensor

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("spectrum", torch.ones(channels, size[0], size[1] // 2 + 1))

    def fit(self, errors: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Measure the spectrum.

        Args:
            errors: batches of errors (B, C, H, W) over their scale, and where they count, (B, C, H, W) in
                {0, 1}.
        """
        total = torch.zeros_like(self.spectrum)
        pixels = torch.zeros_like(self.spectrum[:, :1, :1])
        for error, there in errors:
            total += torch.fft.rfft2(error.float() * there, norm="ortho").abs().square().sum(0)
            pixels += there.sum((0, 2, 3))[:, None, None]
        # over all frequencies it sums to the squared errors (Parseval), which only some pixels have
        self.spectrum.copy_(total * (self.size[0] * self.size[1]) / pixels.clamp_min(1))

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """(count, C, H, W) errors in units of the scale."""
        shape = (count, len(self.spectrum), *self.size)
        white = torch.randn(shape, generator=rng, device=self.spectrum.device)
        spectral = torch.fft.rfft2(white) * self.spectrum.sqrt()
        return torch.fft.irfft2(spectral, s=self.size).clamp(-LARGEST, LARGEST)
