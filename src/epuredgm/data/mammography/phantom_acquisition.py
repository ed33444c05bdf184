"""From tissue to pixel values: attenuation, detector, and the two images that a unit hands out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.mammography.phantom_grid import Field, Grid, Mask, blur
from epuredgm.data.mammography.phantom_lesions import FAT, GLAND, MUSCLE

SKIN_DEPTH, SKIN_PATH = 1.5, 6.0  # mm: rays this close to the outline run through so much skin
MUSCLE_PATH, MUSCLE_RISE = 24.0, 8.0  # mm: greatest path through the muscle, and depth in which it is reached
SCATTER, SCATTER_BLUR = 0.15, 8.0  # over the primary, and its spread in mm
DETECTOR_BLUR = 0.6  # pixels
QUANTA = 4e4  # per pixel where nothing attenuates
UNSCATTER = 0.9  # share of the scatter that processing removes
EQUALISE, EQUALISE_BLUR = 0.85, 3.0  # how far processing makes up for the thin rim, and over what mm
TOE = 0.12  # below this the tone curve bends
BRIGHTEST = 0.92  # of the largest stored value, which no breast reaches
LINEAR_TOP = 0.9  # of the largest stored value, where nothing attenuates


def attenuated(gland: Field, thick: Field, skin: Field, muscle_depth: Field, lesions: Field) -> Field:
    """Exponent of the attenuation on each ray, (H, W).

    Args:
        gland: share of glandular tissue on each ray.
        thick: path through the breast, in mm.
        skin: distance to the outline, in mm.
        muscle_depth: distance inside the pectoral muscle, in mm.
        lesions: what lesions add.
    """
    inside = thick > 0
    exponent = FAT * thick + (GLAND - FAT) * gland * thick
    exponent += np.where(inside & (skin < SKIN_DEPTH), (GLAND - FAT) * SKIN_PATH, 0)
    muscle = np.minimum(MUSCLE_PATH * -np.expm1(-muscle_depth / MUSCLE_RISE), thick)
    return np.asarray(exponent + (MUSCLE - FAT) * muscle + lesions * inside, dtype=np.float32)


def detected(exponent: Field, grid: Grid, rng: np.random.Generator) -> Field:
    """What the detector counts, (H, W), about 1 where nothing attenuates: blur, scatter and quantum noise."""
    primary = blur(np.exp(-exponent), DETECTOR_BLUR)
    total = (primary + SCATTER * blur(primary, SCATTER_BLUR / grid.pixel)) / (1 + SCATTER)
    return (rng.poisson(QUANTA * total.astype(np.float64)) / QUANTA).astype(np.float32)


def processed(counts: Field, breast: Mask, thick: Field, compressed: float, grid: Grid) -> Field:
    """Values for presentation, (H, W) in [0, 1]: dense is bright, air is 0.

    Most scatter is taken off, the logarithm taken, the thin rim made up for, and a tone curve applied.

    Args:
        compressed: thickness of the breast away from its rim, in mm.
    """
    scatter = SCATTER * blur(counts, SCATTER_BLUR / grid.pixel)
    primary = np.maximum((1 + SCATTER) * counts - UNSCATTER * scatter, 1 / QUANTA)
    density = -np.log(primary)
    density += EQUALISE * FAT * (compressed - blur(thick, EQUALISE_BLUR / grid.pixel))
    low, high = FAT * compressed - 0.45, FAT * compressed + (GLAND - FAT) * compressed
    tone = (density - low) / (high - low)
    tone = np.where(tone < TOE, TOE * np.exp(np.minimum(tone / TOE - 1, 0)), tone)
    return np.where(breast, np.clip(0.04 + 0.96 * tone, 0, 1), 0).astype(np.float32)


def stored(values: Field, bits: int) -> NDArray[np.uint16]:
    """Values for presentation as stored, of ``bits`` bits."""
    return np.asarray(np.rint(values.astype(np.float64) * BRIGHTEST * (2**bits - 1)), dtype=np.uint16)


def stored_linear(counts: Field, bits: int) -> NDArray[np.uint16]:
    """Counts as stored for processing, of ``bits`` bits: linear, air is bright."""
    top = 2**bits - 1
    return np.asarray(np.clip(np.rint(counts.astype(np.float64) * LINEAR_TOP * top), 0, top), dtype=np.uint16)
