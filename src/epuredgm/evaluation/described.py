"""Descriptors of the grey pictures of a set, each computed once: what several metrics share."""

from __future__ import annotations

import numpy as np

from epuredgm.data.designs import Stored
from epuredgm.evaluation import grey_descriptors as grey
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.grey_descriptors import Floats, Pictures
from epuredgm.evaluation.population import Population

MOST = 400  # train pictures that the level of dense tissue is read from


def dense_level(case: Case) -> float:
    """The intensity above which tissue counts as dense: of the train pictures, the same for every set."""
    few = case.train.rows(np.arange(min(MOST, len(case.train)), dtype=np.int64))
    return case.once("level of dense tissue", lambda: grey.dense_level(grey.intensities(few)))


def areas(population: Population) -> Floats:
    """(N, C) share of the picture that is body."""
    return population.feature("body areas", lambda images: grey.areas(_pictures(population, images)))


def densities(population: Population, level: float) -> Floats:
    """(N, C) share of the body that is brighter than ``level``, NaN without a body."""
    return population.feature(
        f"densities at {level:.9g}", lambda images: grey.densities(_pictures(population, images), level)
    )


def spectra(population: Population) -> Floats:
    """(N, C, F) log power at 1, 2, ... cycles per picture, inside the body."""
    return population.feature("log spectra", lambda images: grey.log_spectra(_pictures(population, images)))


def slopes(population: Population) -> Floats:
    """(N,) falling slope of the log-log spectrum, the mean over the components that have a body."""
    found = grey.slopes(spectra(population), min(population.size))
    known = np.isfinite(found)
    mean = np.where(known, found, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(np.where(known.any(axis=1), mean, np.nan))


def texture(population: Population, level: float) -> Floats:
    """(N, 9 C) hand-made features, NaN without a body."""
    return population.feature(
        f"texture at {level:.9g}", lambda images: grey.texture(_pictures(population, images), level)
    )


def _pictures(population: Population, images: Stored) -> Pictures:
    return np.asarray(images, dtype=np.float32) / np.float32(population.levels)
