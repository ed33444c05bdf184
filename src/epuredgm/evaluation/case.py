"""What a metric sees: a set of samples, its real counterpart, the real pools, and three ways to a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.seeds import derive
from epuredgm.core.spec import DataSpec
from epuredgm.evaluation import jackknife
from epuredgm.evaluation.distances import Line
from epuredgm.evaluation.extractor import Extractor
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import (
    Draws,
    noise_interval,
    percentile_interval,
    share_interval,
    weighted_means,
)
from epuredgm.evaluation.scalar import Figure, number, scalar
from epuredgm.evaluation.view import View, jackknife_groups

Floats = NDArray[np.float64]
PerDesign = Callable[[Population], Floats]
OfSets = Callable[[Floats, Floats], float]  # (n, D) and (m, D) to one figure


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

    def scalar(self, confidence: float) -> Figure:
        """The figure as results hold it."""
        interval = None if self.value is None else noise_interval(self.value, self.noise, confidence)
        return scalar(self.value, interval, self.floors, self.reason, lambda: self.resampled)

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
        jackknife_groups: groups that are left out in turn.
        seed: of random choices that depend on counts and the set alone.
        extractors: names of those that there are.
        missing: names of those that cannot be had, each with the reason.
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
    jackknife_groups: int
    seed: int
    extractors: Mapping[str, Extractor]
    missing: Mapping[str, str]

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

    def view(self, values: PerDesign) -> View:
        """The case as points: ``values`` takes a population to its (N, D) coordinates.

        A design with a NaN is left out of the pools. The real side are the case's own real designs if all of
        them have their coordinates, else seeded ones of the test pool; both sides are cut to the same n.
        """
        generated = values(self.generated)
        train, test = (_known(values(pool)) for pool in (self.train, self.test))
        real = values(self.real)
        rng = np.random.default_rng(derive(self.seed, "view", len(generated)))
        if not np.isfinite(real).all():
            real = test[np.sort(rng.permutation(len(test))[: len(generated)])]
        count = min(len(generated), len(real))
        groups = jackknife_groups(rng, count, self.jackknife_groups)
        return View(
            generated=generated[:count].astype(np.float64),
            real=real[:count].astype(np.float64),
            train=train.astype(np.float64),
            test=test.astype(np.float64),
            groups=groups,
            repeats=len(self.draws.train),
        )

    def through(self, extractor: str) -> View | None:
        """The case as an extractor sees it; None if there is no such extractor, see :meth:`why_not`."""
        if extractor not in self.extractors:
            return None
        describe = self.extractors[extractor].describe
        return self.view(lambda population: population.feature(extractor, describe))

    def why_not(self, extractor: str) -> str:
        """Why there is no view through an extractor."""
        return self.missing.get(extractor, f"the reference has no extractor {extractor}")

    def of_sets(
        self, view: View, figure: OfSets, left_out: Floats | None = None, lowest: float = 0.0
    ) -> Figure:
        """A figure of two whole sets, with its jackknife interval and its real-against-real floor.

        Args:
            view: the two sets.
            figure: computes it from two sets of points; only that of whole sets where ``left_out`` is given.
            left_out: (G,) the figure without each group, if there is a quicker way to it.
            lowest: what an interval is cut at.
        """
        value = figure(view.generated, view.real)
        if left_out is None:
            kept = [view.groups != g for g in range(int(view.groups.max(initial=0)) + 1)]
            left_out = np.array([figure(view.generated[rows], view.real[rows]) for rows in kept])
        interval = jackknife.interval(value, left_out, self.confidence, lowest)
        spread = left_out
        return scalar(
            value,
            interval,
            self.floors(view, figure),
            replicates=lambda: jackknife.replicates(value, spread),
        )

    def floors(self, view: View, figure: OfSets) -> Floats:
        """(R,) the figure of seeded train against seeded test designs, n of each or as many as there are."""
        count = min(len(view), len(view.train), len(view.test))
        rng = np.random.default_rng(derive(0, "floor of sets", count))
        pairs = [
            [side[rng.choice(len(side), count, replace=False)] for side in (view.train, view.test)]
            for _ in range(1 if count == len(view.train) == len(view.test) else view.repeats)  # all: one way
        ]
        return np.array([figure(*pair) for pair in pairs])

    def mean(self, values: Floats, floor: PerDesign | None = None, missing: str = "") -> Figure:
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
        interval = percentile_interval(resampled, self.confidence)
        return scalar(float(np.nanmean(values)), interval, floors, replicates=lambda: resampled)

    def share(
        self, flags: NDArray[np.bool_], floor: Callable[[Population], NDArray[np.bool_]] | None = None
    ) -> Figure:
        """The share of generated designs with a property.

        Args:
            flags: (n,) whether each generated design has it.
            floor: the same for the train designs; without it the figure has no floor.
        """
        hits, count = int(flags.sum()), len(flags)
        floors = None if floor is None else weighted_means(self.draws.train, floor(self.train).astype(float))
        interval = share_interval(hits, count, self.confidence)
        values = flags.astype(np.float64)
        return scalar(
            hits / count,
            interval,
            floors,
            replicates=lambda: weighted_means(self.draws.generated, values),
        )


def _known(points: Floats) -> Floats:
    """The rows without NaN."""
    return points[np.isfinite(points).all(axis=1)]


def mean_and_std(values: Floats) -> list[float | None]:
    """``[mean, population std]``; ``[None, None]`` of nothing."""
    finite = values[np.isfinite(values)]
    return [number(float(finite.mean())), number(float(finite.std()))] if finite.size else [None, None]
