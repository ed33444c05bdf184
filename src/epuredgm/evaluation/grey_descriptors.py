"""What grey pictures are measured by: their body, its intensities, its texture and its power spectrum.

The *body* of a picture is where it is brighter than air (:data:`AIR`). Every function takes images
(N, C, H, W) in [0, 1] and gives one row per picture, of each component by itself; a component without a body
has NaN, but an area of 0.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from epuredgm.evaluation.population import Population

Floats = NDArray[np.float64]
Pictures = NDArray[np.float32]

AIR = 0.02  # up to this intensity a pixel is background
FAINTEST = 1e-6  # deviation from the mean below which a body has one intensity: rounding
LEAST = 16  # pixels of a body that is measured
ENTROPY_BINS = 64  # between the intensities 0 and 1
TAPER = 8  # the window of a spectrum falls off over an eighth of the shorter edge
LOWEST = 4  # cycles per picture: below, the window's own spectrum is in the way
HIGHEST = 0.4  # cycles per pixel: above, the averaging of pixels is seen

TEXTURES = (
    *("area", "density", "mean", "deviation", "entropy", "slope", "contrast", "likeness", "correlation"),
)
"""What :func:`texture` measures on a component, in order."""


def intensities(population: Population) -> Pictures:
    """(N, C, H, W) in [0, 1]."""
    return population.images.astype(np.float32) / np.float32(population.levels)


def areas(images: Pictures) -> Floats:
    """(N, C) share of the picture that is body."""
    return np.asarray((images > AIR).mean(axis=(2, 3), dtype=np.float64))


def densities(images: Pictures, level: float) -> Floats:
    """(N, C) share of the body that is brighter than ``level``."""
    body = (images > AIR).sum(axis=(2, 3))
    dense = (images > max(level, AIR)).sum(axis=(2, 3))
    return _known(dense / np.maximum(body, 1), body)


def dense_level(images: Pictures) -> float:
    """The intensity that parts the body pixels of a set into two classes (Otsu 1979)."""
    counts, edges = np.histogram(images[images > AIR], bins=256, range=(0.0, 1.0))
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    moment = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (moment / below - (moment[-1] - moment) / above) ** 2
    return float(edges[1 + int(np.argmax(np.nan_to_num(between)))])


def texture(images: Pictures, level: float) -> Floats:
    """(N, 9 C): of each component the :data:`TEXTURES`, the entropy in bits."""
    parts = [
        areas(images)[..., None],
        densities(images, level)[..., None],
        _moments(images),
        _entropies(images)[..., None],
        slopes(log_spectra(images), min(images.shape[2:]))[..., None],
        _neighbours(images),
    ]
    return np.concatenate(parts, axis=-1).reshape(len(images), -1)


def log_spectra(images: Pictures) -> Floats:
    """(N, C, F) natural logarithm of the mean power at 1, ..., F cycles per picture, inside the body.

    The body is faded out smoothly towards its edge (a window of its own shape), its weighted mean taken off.
    A body of one intensity has no spectrum: NaN.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    height, width = images.shape[2:]
    weights = _window((pixels > AIR).float(), max(1, min(height, width) // TAPER))
    total = weights.sum(dim=(2, 3), keepdim=True)
    mean = (weights * pixels).sum(dim=(2, 3), keepdim=True) / total.clamp(min=1e-6)
    power = torch.fft.rfft2(weights * (pixels - mean)).abs().square()
    varies = (weights * (pixels - mean)).abs().amax(dim=(2, 3)) > FAINTEST
    power = power / weights.square().sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    ring, inside = _rings(height, width)
    count = min(height, width) // 2 + 1
    double = torch.full((width // 2 + 1,), 2.0)  # the half that rfft2 leaves out
    double[0] = 1.0
    double[width // 2 :] = 2.0 - (1 - width % 2)
    shares = double.expand(height, -1)[inside]
    sums = torch.zeros(*power.shape[:2], count).index_add_(2, ring[inside], power[..., inside] * shares)
    sizes = torch.zeros(count).index_add_(0, ring[inside], shares)
    rings = (sums / sizes.clamp(min=1))[..., 1:].double()
    logs = torch.log(rings.clamp(min=1e-20))
    known = (total[..., 0] >= LEAST / 4) & varies[..., None]
    return np.asarray(torch.where(known, logs, torch.nan).numpy(), dtype=np.float64)


def slopes(spectra: Floats, edge: int) -> Floats:
    """(N, C) minus the slope of log power (N, C, F) over log frequency: b of a power that falls as 1 / f^b.

    Args:
        spectra: see :func:`log_spectra`.
        edge: pixels along the shorter edge.
    """
    frequency = np.arange(1, spectra.shape[-1] + 1)
    used = (frequency >= min(LOWEST, edge // 8)) & (frequency <= HIGHEST * edge)
    x = np.log(frequency[used])
    x -= x.mean()
    return np.asarray(-(spectra[..., used] @ x) / (x @ x))


def _window(body: torch.Tensor, reach: int) -> torch.Tensor:
    """(N, C, H, W) in [0, 1]: 0 outside of the body and at its edge, 1 deep inside it."""
    edge = 2 * (reach // 2) + 1
    mean = body
    for _ in range(2):  # twice a box is nearly a bell
        mean = functional.avg_pool2d(mean, edge, stride=1, padding=edge // 2)
    rise = (2 * mean - 1).clamp(0, 1) * body
    return torch.sin(rise * (math.pi / 2)).square()


def _rings(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a half spectrum the ring of each frequency, in cycles per shorter edge, and those that count."""
    edge = min(height, width)
    rows = torch.fft.fftfreq(height) * edge
    columns = torch.fft.rfftfreq(width) * edge
    ring = torch.hypot(rows[:, None], columns[None]).round().long()
    return ring, ring <= edge // 2


def _moments(images: Pictures) -> Floats:
    """(N, C, 2) mean and standard deviation inside the body."""
    body = images > AIR
    count = body.sum(axis=(2, 3))
    least = np.maximum(count, 1)
    mean = (images * body).sum(axis=(2, 3), dtype=np.float64) / least
    square = (images * images * body).sum(axis=(2, 3), dtype=np.float64) / least
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    return np.stack([_known(mean, count), _known(spread, count)], axis=-1)


def _entropies(images: Pictures) -> Floats:
    """(N, C) of the histogram of the body's intensities, in bits."""
    count, channels = images.shape[:2]
    body = (images > AIR).reshape(count * channels, -1)
    level = np.minimum((images * ENTROPY_BINS).astype(np.int64), ENTROPY_BINS - 1).reshape(body.shape)
    place = level + ENTROPY_BINS * np.arange(len(body))[:, None]
    found = np.bincount(place[body], minlength=len(body) * ENTROPY_BINS).reshape(len(body), -1)
    share = found / np.maximum(found.sum(axis=1, keepdims=True), 1)
    bits = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
    return _known(bits.reshape(count, channels), found.sum(axis=1).reshape(count, channels))


def _neighbours(images: Pictures) -> Floats:
    """(N, C, 3) of neighbouring body pixels: mean squared difference over their variance (in a logarithm),
    likeness 1 / (1 + difference in 64ths), and correlation; after Haralick et al. 1973.
    """
    sums = np.zeros((*images.shape[:2], 7))
    for first, second in ((images[:, :, 1:], images[:, :, :-1]), (images[..., 1:], images[..., :-1])):
        both = ((first > AIR) & (second > AIR)).astype(np.float32)
        a, b = first * both, second * both
        difference = np.abs(a - b)
        like = both / (1 + ENTROPY_BINS * difference)
        terms = (both, a, b, a * a, b * b, a * b, like)
        sums += np.stack([each.sum(axis=(2, 3), dtype=np.float64) for each in terms], axis=-1)
    count = np.maximum(sums[..., 0], 1)
    a, b, aa, bb, ab, like = (sums[..., k] / count for k in range(1, 7))
    va, vb = aa - a * a, bb - b * b
    variance = np.maximum((va + vb) / 2, 1e-9)
    contrast = np.log(np.maximum(aa + bb - 2 * ab, 1e-12) / variance + 1e-6)
    correlation = (ab - a * b) / np.sqrt(np.maximum(va * vb, 1e-18))
    found = (contrast, like, np.clip(correlation, -1, 1))
    return np.stack([_known(each, sums[..., 0]) for each in found], axis=-1)


def _known(values: Floats, pixels: NDArray[np.generic]) -> Floats:
    """``values`` where there are enough pixels, else NaN."""
    return np.where(np.asarray(pixels, dtype=np.float64) >= LEAST, values, np.nan)
