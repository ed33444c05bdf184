"""Grey pictures of known spectra: bodies of noise that falls off as 1 / f^b on a background of air."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet

Floats = NDArray[np.float64]


def noise(count: int, side: int, slope: float, seed: int = 0) -> Floats:
    """(count, 1, side, side) noise whose power falls as 1 / f^slope, of mean 0 and variance 1."""
    rows, columns = np.fft.fftfreq(side), np.fft.rfftfreq(side)
    frequency = np.hypot(rows[:, None], columns)
    frequency[0, 0] = np.inf
    white = np.random.default_rng(seed).standard_normal((count, side, side))
    found = np.fft.irfft2(np.fft.rfft2(white) * frequency ** (-slope / 2), s=(side, side))
    return (found / found.std(axis=(1, 2), keepdims=True))[:, None]


def bodies(count: int, side: int, seed: int = 0, slope: float = 3.0) -> Floats:
    """(count, 1, side, side) in [0, 1]: half ellipses of noise at the left edge, in air."""
    rng = np.random.default_rng(seed)
    high, wide = (rng.uniform(0.35, 0.48, (count, 1, 1)), rng.uniform(0.5, 0.9, (count, 1, 1)))
    y, x = np.mgrid[:side, :side] / side
    inside = ((y - 0.5) / high) ** 2 + (x / wide) ** 2 < 1
    level = rng.uniform(0.3, 0.5, (count, 1, 1, 1))
    return np.where(inside[:, None], np.clip(level + 0.1 * noise(count, side, slope, seed), 0.05, 1), 0.0)


def spec(side: int) -> DataSpec:
    """16-bit pictures with one category, which is sometimes unknown, and one number."""
    conditions = (
        Condition("view", values=("CC", "MLO"), optional=True),
        Condition("age", "years", optional=True),
    )
    return DataSpec(
        "grey", side, side, (Component("breast", "breast", "#000000"),), conditions, "grey", bits=16
    )


def designs(count: int, side: int, seed: int = 0) -> Designs:
    """Two thirds of them train designs; of the second view bodies are darker."""
    rng = np.random.default_rng(seed)
    view = (np.arange(count) % 2).astype(float)
    age = rng.integers(50, 75, count).astype(float)
    pictures = bodies(count, side, seed) * np.where(view, 0.6, 1.0)[:, None, None, None]
    view[::10], age[3::10] = np.nan, np.nan
    train = np.arange(count) % 3 != 0
    ids = np.arange(count).astype(str)
    images = stored(pictures)
    return Designs(images, ids, train, np.stack([view, age], axis=1), ("view", "age"), "grey")


def stored(pictures: Floats) -> NDArray[np.uint16]:
    """Intensities as 16-bit data sets keep them."""
    return np.rint(np.clip(pictures, 0, 1) * 65535).astype(np.uint16)


def samples(of: Designs, asked: bool = True, **extras: NDArray[np.float32]) -> SampleSet:
    """The designs as a sample set of their own rows."""
    count = len(of)
    return SampleSet(
        images=of.images,
        components=("breast",),
        conditions=of.conditions.astype(np.float32),
        condition_names=of.condition_names,
        ids=of.ids if asked else np.full(count, ""),
        given=np.zeros((count, 1), dtype=bool),
        meta={"weights": "w" * 64},
        extras=extras,
    )
