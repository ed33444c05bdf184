"""What a decoder leaves out of a picture, drawn anew: noise with the correlation of its real errors.

A decoder says the middle of what a picture may be, which is smoother than any picture, and errors that were
drawn for each pixel by itself would be grain. Real errors belong together with those around them, and some
places have larger ones than others: how, is measured on train pictures, as a power spectrum and as mean and
deviation of each place, and drawn.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

LARGEST = 5.0  # scales that a drawn error stays within
FEW = 10.0  # pictures' worth of what holds at all places, where few pictures say anything of a place


class Texture(nn.Module):
    """Gaussian noise with a measured spectrum, mean and deviation; white and of unit variance at first.

    Args:
        channels: of the pictures.
        size: their rows and columns.
    """

    spectrum: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("spectrum", torch.ones(channels, size[0], size[1] // 2 + 1))
        self.register_buffer("mean", torch.zeros(channels, *size))
        self.register_buffer("deviation", torch.ones(channels, *size))

    def fit(self, errors: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Measure the spectrum of unit variance, and the mean and deviation of each place.

        Args:
            errors: batches of errors (B, C, H, W) over their scale, and where they count, (B, C, H, W) in
                {0, 1}.
        """
        pictures = 0
        power, count = torch.zeros_like(self.spectrum), torch.zeros_like(self.mean)
        total, squares = torch.zeros_like(self.mean), torch.zeros_like(self.mean)
        for error, there in errors:
            counted = error.float() * there
            pictures += len(error)
            power += torch.fft.rfft2(counted, norm="ortho").abs().square().sum(0)
            count += there.sum(0)
            total += counted.sum(0)
            squares += counted.square().sum(0)
        power -= torch.fft.rfft2(total, norm="ortho").abs().square() / max(1, pictures)
        varied = (squares - total.square() / max(1, pictures)).sum((1, 2), keepdim=True)
        # over all frequencies the power sums to the squares (Parseval)
        self.spectrum.copy_(power.clamp_min(0) * (self.size[0] * self.size[1]) / varied.clamp_min(1e-12))
        overall = squares.sum((1, 2), keepdim=True) / count.sum((1, 2), keepdim=True).clamp_min(1)
        self.mean.copy_(total / (count + FEW))
        around = squares - 2 * self.mean * total + count * self.mean.square()
        self.deviation.copy_(((around + FEW * overall) / (count + FEW)).clamp_min(0).sqrt())

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """(count, C, H, W) errors in units of the scale."""
        shape = (count, len(self.spectrum), *self.size)
        white = torch.randn(shape, generator=rng, device=self.spectrum.device)
        spectral = torch.fft.rfft2(white) * self.spectrum.sqrt()
        noise = torch.fft.irfft2(spectral, s=self.size)
        return (self.mean + self.deviation * noise).clamp(-LARGEST, LARGEST)
