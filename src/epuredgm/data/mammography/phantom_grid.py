"""The detector's grid, and noise of a given spectrum on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]
FINE = (
    0.15  # mm; on finer grids tissue noise is drawn at half the size: its spectrum has nothing to add there
)
LONGEST = 40.0  # mm; the spectrum is flat for longer waves


@dataclass(frozen=True)
class Grid:
    """Rows and columns of pixels of one size, in the canonical frame: x from the chest wall, y downwards.

    Attributes:
        height: rows.
        width: columns; column 0 touches the chest wall.
        pixel: side of a pixel in mm.
    """

    height: int
    width: int
    pixel: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.height, self.width

    @property
    def height_mm(self) -> float:
        """Height of the field."""
        return self.height * self.pixel

    @property
    def width_mm(self) -> float:
        """Depth of the field, from the chest wall on."""
        return self.width * self.pixel

    def axes(self) -> tuple[Field, Field]:
        """Pixel centres in mm: x (1, W) from the chest wall, y (H, 1) from the field's centre."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5) * self.pixel
        y = (np.arange(self.height, dtype=np.float32) + 0.5) * self.pixel - self.height_mm / 2
        return x[None, :].astype(np.float32), y[:, None].astype(np.float32)


def power_law_noise(rng: np.random.Generator, grid: Grid, exponent: float) -> Field:
    """Gaussian noise (H, W) of zero mean and unit variance with power proportional to 1/f^exponent.

    The spectrum is flat below 1/40 mm. Power-law spectra with exponents near 3 are what mammograms show
    (Burgess, Jacobson and Judy, Medical Physics 28, 2001).
    """
    if grid.pixel < FINE:
        half = Grid(-(-grid.height // 2), -(-grid.width // 2), 2 * grid.pixel)
        return _doubled(power_law_noise(rng, half, exponent))[: grid.height, : grid.width]
    shape = [fft.next_fast_len(n, real=True) for n in grid.shape]
    white = rng.standard_normal(shape, dtype=np.float32)
    fy, fx = np.fft.fftfreq(shape[0], grid.pixel), np.fft.rfftfreq(shape[1], grid.pixel)
    frequency = np.hypot(fy[:, None], fx[None, :])
    gain = (np.maximum(frequency, 1 / LONGEST) ** (-exponent / 2)).astype(np.float32)
    noise: Field = fft.irfft2(fft.rfft2(white) * gain, s=shape)[: grid.height, : grid.width]
    return np.asarray((noise - noise.mean()) / noise.std(), dtype=np.float32)


def _doubled(field: Field) -> Field:
    """Twice the rows and columns, linearly interpolated between the pixels' centres."""
    padded = np.pad(field, 1, mode="edge")
    for axis in (0, 1):
        n = padded.shape[axis] - 2
        before, here, after = (np.take(padded, range(k, k + n), axis=axis) for k in (0, 1, 2))
        pair = np.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], axis=axis + 1)
        padded = pair.reshape([2 * n if k == axis else s for k, s in enumerate(padded.shape)])
    return padded.astype(np.float32)


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur with ``sigma`` in pixels; beyond the field its border goes on.

    Broad blurs work on block means and are interpolated back: the kernel leaves nothing finer.
    """
    step = int(sigma // 8)
    if step < 2:
        smooth: Field = ndimage.gaussian_filter(field, sigma, mode="nearest", truncate=4.0)
        return smooth
    height, width = field.shape
    padded = np.pad(field, ((0, -height % step), (0, -width % step)), mode="edge")
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    means = padded.reshape(rows, step, columns, step).mean(axis=(1, 3), dtype=np.float32)
    small = ndimage.gaussian_filter(means, sigma / step, mode="nearest", truncate=4.0)
    y = np.asarray((np.arange(height) + 0.5) / step - 0.5, dtype=np.float32)
    x = np.asarray((np.arange(width) + 0.5) / step - 0.5, dtype=np.float32)
    small = _between_columns(small, x)
    return _between_columns(small.T, y).T.copy()


def _between_columns(field: Field, at: Field) -> Field:
    """The field's columns at the places ``at``, linearly between columns, constant beyond the ends."""
    at = np.clip(at, 0, field.shape[1] - 1).astype(np.float32)
    left = np.minimum(at.astype(np.int64), max(field.shape[1] - 2, 0))
    right = np.minimum(left + 1, field.shape[1] - 1)
    share = (at - left).astype(np.float32)
    return field[:, left] * (1 - share) + field[:, right] * share
