"""What a metric sees: a set of samples, its real counterpart, the real pools, and three ways to a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.seeds import derive
from epuredgm.core.spec import DataSpec
from epuredgm.evaluation import jackknife
from epuredgm.evaluation.distances import Line
from epuredgm.evaluation.extractor import Extractor
from epuredgm.evaluation.marginal import Distance
from epuredgm.evaluation.matching import Matches, match
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import (
    Draws,
    percentile_interval,
    share_interval,
    weighted_means,
)
from epuredgm.evaluation.scalar import Figure, scalar
from epuredgm.evaluation.view import View, jackknife_groups

Floats = NDArray[np.float64]
Found = TypeVar("Found")
PerDesign = Callable[[Population], Floats]
OfSets = Callable[[Floats, Floats], float]  # (n, D) and (m, D) to one figure


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
        memory: what all cases of one evaluation share, see :meth:`once`.
        extras: further arrays (n, ...) of the generated designs (:attr:`SampleSet.extras`).
        rows: (n,) rows of ``real`` in the test split, where ``paired``.
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
    memory: dict[str, Any]
    extras: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    rows: NDArray[np.int64] | None = None

    @cached_property
    def absent(self) -> frozenset[int]:
        """The components of which no real design of either split has a pixel."""
        found = self.train.areas().any(axis=0) | self.test.areas().any(axis=0)
        return frozenset(np.flatnonzero(~found).tolist())

    def once(self, name: str, compute: Callable[[], Found]) -> Found:
        """What ``compute`` gives, called for the first case of an evaluation and remembered as ``name``.

        For what depends on nothing but the real designs and on what ``name`` says.
        """
        if name not in self.memory:
            self.memory[name] = compute()
        found: Found = self.memory[name]
        return found

    def wasserstein(self, values: PerDesign, missing: str = "") -> Distance:
        """W1 between generated and real designs on one axis; missing if a side has no value on it.

        Args:
            values: a population to its (N,) or (N, k) values; NaN is left out.
            missing: why there is no distance, if it is already known that there is none.
        """
        floors = self._distances_of_draws(values)
        sides = {"generated": values(self.generated), "real": values(self.real)}
        empty = [name for name, side in sides.items() if not np.isfinite(side).any()]
        if missing or empty:
            reason = missing or f"no {empty[0]} design has a value"
            return Distance(None, np.empty(0), np.empty(0), floors, reason)
        line = Line(sides["generated"], sides["real"])
        resampled, noise = line.spread(self.draws.generated, self.draws.real)
        return Distance(float(line.distance()[0]), resampled, noise, floors)

    def _distances_of_draws(self, values: PerDesign) -> Floats:
        """(R,) W1 of each real-against-real draw; NaN where there is none."""
        weights = self.weights_of_draws
        pools = values(self.train), values(self.test)
        if not len(weights[0]) or not all(np.isfinite(pool).any() for pool in pools):
            return np.full(len(self.draws.train), np.nan)
        line = Line(*pools)
        floors = line.distance(*weights)
        return self.fair(floors, lambda: line.distance(self.draws.train, self.draws.test))

    def fair(self, floors: Floats, random: Callable[[], Floats]) -> Floats:
        """Floors by :attr:`weights_of_draws`, NaN where matched designs differ too much from what was asked.

        ``random``: those of train against test designs, both drawn at random.
        """
        return self.matches().fair(floors, random) if self.paired else floors

    @cached_property
    def weights_of_draws(self) -> tuple[Floats, Floats]:
        """(R, N) and (R, M): how often each train and each test design counts in each real-against-real draw
        of a distance; no row where no draw is fair.

        Where rows are paired, train designs that match what was asked stand in for the generated ones, and
        the test side are the case's own real designs. Else both are drawn at random.
        """
        if not self.paired:
            return self.draws.train, self.draws.test
        rows = self.matches().rows
        if rows is None or self.rows is None:
            return np.empty((0, len(self.train))), np.empty((0, len(self.test)))
        train = np.stack([np.bincount(draw, minlength=len(self.train)) for draw in rows])
        test = np.bincount(self.rows, minlength=len(self.test))
        return train.astype(np.float64), np.tile(test.astype(np.float64), (len(rows), 1))

    def matches(self, known: NDArray[np.bool_] | None = None) -> Matches:
        """The train designs that stand in for generated ones where rows are paired, in seeded draws.

        Args:
            known: bool (N,), the train designs that may; rows are places among these. All without it.
        """
        if (self.given != self.given[:1]).any():
            return Matches(None, "not every design was given the same components")
        chosen = np.ones(len(self.train), dtype=np.bool_) if known is None else known
        among = "all" if chosen.all() else sha256(chosen.tobytes()).hexdigest()
        return self.once(
            f"matches of {self.seed} among {among}",
            lambda: match(
                asked=self.generated,
                real=self.real,
                pool=self.train.rows(np.flatnonzero(chosen)),
                given=self.given[0],
                conditions=self.spec.conditions,
                names=self.spec.component_names,
                repeats=len(self.draws.train),
            ),
        )

    @property
    def floor_kind(self) -> str:
        """Which real designs the floors of distances are made of: ``random``, ``matched``, or ``none``."""
        if not self.paired:
            return "random"
        return "none" if self.matches().rows is None else "matched"

    def view(self, values: PerDesign) -> View:
        """The case as points: ``values`` takes a population to its (N, D) coordinates.

        A design with a NaN is left out of the pools. The real side are the case's own real designs if all of
        them have their coordinates, else seeded ones of the test pool; both sides are cut to the same n.
        """
        generated = values(self.generated)
        pools = values(self.train), values(self.test)
        known = np.asarray(np.isfinite(pools[0]).all(axis=1))
        train, test = (_known(pool) for pool in pools)
        real = values(self.real)
        rng = np.random.default_rng(derive(self.seed, "view", len(generated)))
        paired = self.paired and bool(np.isfinite(real).all())
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
            matches=self.matches(known) if paired else None,
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
        self,
        view: View,
        figure: OfSets,
        left_out: Floats | None = None,
        lowest: float = 0.0,
        name: str = "",
        biased: bool = False,
    ) -> Figure:
        """A figure of two whole sets, with its jackknife interval and its real-against-real floor.

        Args:
            view: the two sets.
            figure: computes it from two sets of points; only that of whole sets where ``left_out`` is given.
            left_out: (G,) the figure without each group, if there is a quicker way to it.
            lowest: what an interval is cut at.
            name: of the figure and of its feature space; the floor of figures of one name and count is made
                once per evaluation.
            biased: of finite sets the figure lies above that of their laws; the interval reaches down by what
                the jackknife says of that. Without it the interval is around the mean figure at this count.
        """
        floors = self.floors(view, figure, name)
        if reason := self.no_figure(view):
            return scalar(None, floors=floors, reason=reason)
        value = figure(view.generated, view.real)
        if left_out is None:
            left_out = np.array([figure(view.generated[rows], view.real[rows]) for rows in view.kept()])
        return self.jackknifed(value, left_out, floors, lowest, biased)

    def jackknifed(
        self, value: float, left_out: Floats, floors: Floats, lowest: float = 0.0, biased: bool = False
    ) -> Figure:
        """A figure with its value without each group, (G,), and its floors, (R,); see :meth:`of_sets`."""
        low, high = jackknife.interval(value, left_out, self.confidence, lowest)
        if biased:
            low = max(lowest, low - max(0.0, jackknife.bias(value, left_out)))
        return scalar(value, (low, high), floors, replicates=lambda: jackknife.replicates(value, left_out))

    def no_figure(self, view: View) -> str:
        """Why two sets have no figure; empty if they have one.

        Two designs must be left when a group is left out.
        """
        left = view.kept().sum(axis=1).min(initial=len(view))
        if left < 2:
            return f"{len(view)} designs on either side are too few"
        return view.lacking

    def floors(
        self, view: View, figure: Callable[[Floats, Floats], float | Floats], name: str = ""
    ) -> Floats:
        """(R,) the figure of seeded train against seeded test designs, n of each or as many as there are.

        Where rows are paired it is that of matched train designs against the view's own real ones. (R, ...)
        of a figure that gives several numbers; none where either pool has fewer than two designs, or no
        designs match.
        """
        if name:
            key = f"floor of {name} at {len(view)}{f' of {self.seed}' if view.matches else ''}"
            return self.once(key, lambda: self._floors(view, figure, name))
        return self._floors(view, figure, name)

    def _floors(self, view: View, figure: Callable[[Floats, Floats], float | Floats], name: str) -> Floats:
        count = min(len(view), len(view.train), len(view.test))
        if count < 2:
            return np.empty(0)
        if view.matches is not None:
            rows = view.matches.rows
            found = np.array([figure(view.train[draw], view.real) for draw in ([] if rows is None else rows)])
            return view.matches.fair(found, lambda: self.floors(replace(view, matches=None), figure, name))
        rng = np.random.default_rng(derive(0, "floor of sets", count))
        pairs = [
            [side[rng.choice(len(side), count, replace=False)] for side in (view.train, view.test)]
            for _ in range(1 if count == len(view.train) == len(view.test) else view.repeats)  # all: one way
        ]
        return np.array([figure(*pair) for pair in pairs])

    def mean(self, values: Floats, floor: PerDesign | Floats | None = None, missing: str = "") -> Figure:
        """The mean over generated designs.

        Args:
            values: (n,) one number per generated design; NaN is left out.
            floor: the same numbers for the train designs, or (R,) the mean in each real-against-real draw;
                without it the figure has no floor.
            missing: the reason that is given if all values are NaN.
        """
        floors = self._means_of_draws(floor)
        if not np.isfinite(values).any():
            return scalar(None, floors=floors, reason=missing or "no design has a value")
        resampled = weighted_means(self.draws.generated, values)
        interval = percentile_interval(resampled, self.confidence)
        return scalar(float(np.nanmean(values)), interval, floors, replicates=lambda: resampled)

    def share(
        self,
        flags: NDArray[np.bool_],
        floor: Callable[[Population], NDArray[np.bool_]] | Floats | None = None,
        among: NDArray[np.bool_] | None = None,
        missing: str = "",
    ) -> Figure:
        """The share of generated designs with a property.

        Args:
            flags: (n,) whether each generated design has it.
            floor: the same for the train designs, or (R,) the share in each real-against-real draw; without
                it the figure has no floor.
            among: (n,) the designs that count; all without it.
            missing: the reason that is given if none counts.
        """
        counted = np.ones(len(flags), dtype=np.bool_) if among is None else among
        hits, count = int(flags[counted].sum()), int(counted.sum())
        floors = self._means_of_draws(floor)
        if not count:
            return scalar(None, floors=floors, reason=missing or "no design counts")
        interval = share_interval(hits, count, self.confidence)
        values = np.where(counted, flags, np.nan)
        return scalar(
            hits / count,
            interval,
            floors,
            replicates=lambda: weighted_means(self.draws.generated, values),
        )

    def _means_of_draws(self, floor: Callable[[Population], NDArray[Any]] | Floats | None) -> Floats | None:
        if not callable(floor):
            return floor
        return weighted_means(self.draws.train, np.asarray(floor(self.train), dtype=np.float64))


def _known(points: Floats) -> Floats:
    """The rows without NaN."""
    return points[np.isfinite(points).all(axis=1)]
