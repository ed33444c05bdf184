"""Two generators that have learned next to nothing: what a model must beat by far.

The *mean picture* answers every request with the mean of the train pictures of its stratum. *Mean with
noise* adds noise with the spectrum of real pictures' deviations from it, inside the body.
"""

from __future__ import annotations

import numpy as np

from epuredgm.core.seeds import derive
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored
from epuredgm.evaluation.grey_descriptors import AIR, Floats, intensities
from epuredgm.evaluation.population import Population

LEAST = 20
"""Train pictures that a mean is taken of; the last conditions are disregarded until there are as many."""

MOST = 1000
"""Train pictures that the spectrum of the noise is taken from."""


def mean_pictures(train: Population, wanted: Population, spec: DataSpec) -> Floats:
    """(n, C, H, W) in [0, 1]: of each wanted design the mean of the train pictures of its stratum.

    A stratum is a combination of categories, an unknown one being one of them, without the condition that
    says which way a picture faces: stored pictures all face one way.
    """
    columns = _categories(train, wanted, spec)
    pictures = intensities(train)
    means: dict[tuple[float, ...], Floats] = {}
    result = np.empty((len(wanted), *pictures.shape[1:]))
    for row, key in enumerate(_keys(wanted, columns)):
        if key not in means:
            means[key] = pictures[_stratum(_keys(train, columns), key)].mean(axis=0, dtype=np.float64)
        result[row] = means[key]
    return result


def mean_with_noise(train: Population, wanted: Population, spec: DataSpec, seed: int) -> Floats:
    """(n, C, H, W) in [0, 1]: the mean pictures with noise of the spectrum of real deviations."""
    some = np.random.default_rng(derive(seed, "deviations")).permutation(len(train))[:MOST]
    few = train.rows(np.sort(some).astype(np.int64))
    deviations = intensities(few) - mean_pictures(train, few, spec)
    power = np.square(np.abs(np.fft.rfft2(deviations))).mean(axis=0)
    means = mean_pictures(train, wanted, spec)
    size = (means.shape[2], means.shape[3])
    white = np.random.default_rng(derive(seed, "noise")).standard_normal(means.shape)
    noise = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(power / (size[0] * size[1])), s=size)
    return np.where(means > AIR, np.clip(means + noise, 0, 1), means)


def stored(pictures: Floats, spec: DataSpec) -> Stored:
    """Intensities (n, C, H, W) as the data set stores them."""
    return np.rint(np.clip(pictures, 0, 1) * spec.levels).astype(spec.dtype)


def _categories(train: Population, wanted: Population, spec: DataSpec) -> list[str]:
    """Names of the conditions that make strata: those with categories that both sides have."""
    return [
        condition.name
        for condition in spec.conditions
        if condition.values
        and condition.name != spec.side
        and condition.name in train.condition_names
        and condition.name in wanted.condition_names
    ]


def _keys(population: Population, columns: list[str]) -> list[tuple[float, ...]]:
    values = [np.nan_to_num(population.condition(name), nan=-1.0) for name in columns]
    return list(zip(*(each.tolist() for each in values), strict=True)) or [()] * len(population)


def _stratum(keys: list[tuple[float, ...]], wanted: tuple[float, ...]) -> list[int]:
    """Rows that agree with ``wanted`` in as many conditions, from the first, as leave enough of them."""
    for used in range(len(wanted), 0, -1):
        rows = [row for row, key in enumerate(keys) if key[:used] == wanted[:used]]
        if len(rows) >= LEAST:
            return rows
    return list(range(len(keys)))
