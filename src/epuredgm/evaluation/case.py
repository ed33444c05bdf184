"""What a metric sees: a set of samples, its real counterpart, the real pools, and three ways to a figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.spec import DataSpec
from epuredgm.evaluation.distances import Line
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import (
    Draws,
    noise_interval,
    percentile_interval,
    share_interval,
    weighted_means,
)
from epuredgm.evaluation.scalar import Json, number, scalar

Floats = NDArray[np.float64]
PerDesign = Callable[[Population], Floats]


@dataclass(frozen=True)
class Distance:
    """A distance between generated and real designs, with what is needed to judge and to average it.

    Attributes:
        value: the plug-in value; None if there is none, for ``reason``.
        resampled: (B,) its value in each bootstrap resample (biased upwards: legacy figures only).
        noise: (B,) a bound on its error in each bootstrap resample, see :mod:`.resampling`.
        floors: (R,) its value in each real-against-real draw.
    """

    value: float | None
    resampled: Floats
    noise: Floats
    floors: Floats
    reason: str = ""

    @classmethod
    def mean(cls, parts: Sequence[Distance]) -> Distance:
        """The mean of several distances; missing if one of them is."""
        missing = next((part.reason for part in parts if part.value is None), "")
        floors = np.mean([part.floors for part in parts], axis=0)
        if missing:
            return cls(None, np.empty(0), np.empty(0), floors, missing)
        return cls(
            value=float(np.mean([part.value for part in parts])),
            resampled=np.mean([part.resampled for part in parts], axis=0),
            noise=np.mean([part.noise for part in parts], axis=0),
            floors=floors,
        )

    def scalar(self, confidence: float) -> Json:
        """The figure as results hold it."""
        interval = None if self.value is None else noise_interval(self.value, self.noise, confidence)
        return scalar(self.value, interval, self.floors, self.reason)

    def legacy(self) -> list[float | None]:
        """``[mean, population std]`` of the bootstrapped distance, as earlier tools reported it."""
        return mean_and_std(self.resampled)


@dataclass(frozen=True)
class Case:
    """One set of samples to be scored.

    Attributes:
        spec: the data set.
        generated: (n) generated designs with the conditions that were asked for.
        real: (n) real designs to compare with; rows correspond to ``generated`` where ``paired``.
        given: bool (n, C), which components were given.
        train, test: all real designs of either split, from which floors are drawn.
        paired: row i of both sides shares its condition or its given component.
        completions: further draws for the same conditions and components, (n) designs each.
        draws: every random choice.
        confidence: level of the intervals.
    """

    spec: DataSpec
    generated: Population
    real: Population
    given: NDArray[np.bool_]
    train: Population
    test: Population
    paired: bool
    completions: tuple[Population, ...]
    draws: Draws
    confidence: float

    @cached_property
    def absent(self) -> frozenset[int]:
        """The components of which no real design of either split has a pixel."""
        found = self.train.areas().any(axis=0) | self.test.areas().any(axis=0)
        return frozenset(np.flatnonzero(~found).tolist())

    def wasserstein(self, values: PerDesign, missing: str = "") -> Distance:
        """W1 between generated and real designs on one axis; missing if a side has no value on it.

        Args:
            values: a population to its (N,) or (N, k) values; NaN is left out.
            missing: why there is no distance, if it is already known that there is none.
        """
        draws = self.draws
        pools = values(self.train), values(self.test)
        floors = np.full(len(draws.train), np.nan)
        if all(np.isfinite(pool).any() for pool in pools):
            floors = Line(*pools).distance(draws.train, draws.test)
        sides = {"generated": values(self.generated), "real": values(self.real)}
        empty = [name for name, side in sides.items() if not np.isfinite(side).any()]
        if missing or empty:
            reason = missing or f"no {empty[0]} design has a value"
            return Distance(None, np.empty(0), np.empty(0), floors, reason)
        line = Line(sides["generated"], sides["real"])
        resampled, noise = line.spread(draws.generated, draws.real)
        return Distance(float(line.distance()[0]), resampled, noise, floors)

    def mean(self, values: Floats, floor: PerDesign | None = None, missing: str = "") -> Json:
        """The mean over generated designs.

        Args:
            values: (n,) one number per generated design; NaN is left out.
            floor: the same numbers for the train designs; without it the figure has no floor.
            missing: the reason that is given if all values are NaN.
        """
        floors = None if floor is None else weighted_means(self.draws.train, floor(self.train))
        if not np.isfinite(values).any():
            return scalar(None, floors=floors, reason=missing or "no design has a value")
        resampled = weighted_means(self.draws.generated, values)
        return scalar(float(np.nanmean(values)), percentile_interval(resampled, self.confidence), floors)

    def share(
        self, flags: NDArray[np.bool_], floor: Callable[[Population], NDArray[np.bool_]] | None = None
    ) -> Json:
        """The share of generated designs with a property.

        Args:
            flags: (n,) whether each generated design has it.
            floor: the same for the train designs; without it the figure has no floor.
        """
        hits, count = int(flags.sum()), len(flags)
        floors = None if floor is None else weighted_means(self.draws.train, floor(self.train).astype(float))
        return scalar(hits / count, share_interval(hits, count, self.confidence), floors)


def mean_and_std(values: Floats) -> list[float | None]:
    """``[mean, population std]``; ``[None, None]`` of nothing."""
    finite = values[np.isfinite(values)]
    return [number(float(finite.mean())), number(float(finite.std()))] if finite.size else [None, None]
