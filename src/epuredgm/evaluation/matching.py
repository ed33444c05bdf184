"""Real designs in the place of generated ones that were asked for something: the train designs most like it.

Generated designs that share their condition or a component with the very test design that they are held
against lie nearer to it than a design drawn at random can. What real designs show then is what *matched* ones
show: train designs of (nearly) the same conditions, or with (nearly) the same given component, against the
same test designs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.seeds import derive
from epuredgm.core.spec import Condition
from epuredgm.evaluation.nearness import reduced
from epuredgm.evaluation.population import Population

CLOSE = 0.2
"""How far matched designs may be from what was asked, of how far two random ones are: beyond it no floor."""

BENT = 3.0
"""How many times as fast a floor may rise near no gap as it does on average up to that of random designs."""

CANDIDATES = 64  # train designs that may stand in for one test design
EDGE = 32  # px, of the longer side at which given components are sought
UNKNOWN = 4.0  # gap between a known and an unknown value, in gaps of two random designs
TIES = 1e-4  # of such a gap: equally near designs come in random order
ROWS = 256  # test designs at a time
SAMPLE = 500  # designs on either side, and matches, that a mean gap is taken over

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Matches:
    """Who stands in for whom.

    Attributes:
        rows: (R, n) rows of the pool, a draw each; None if no floor can be had from them.
        reason: why not.
        gaps: mean gap of the matches by what was asked for, 1 being that of two random designs.
    """

    rows: Rows | None
    reason: str = ""
    gaps: Mapping[str, float] = field(default_factory=dict)

    def of(self, chosen: Rows) -> Matches:
        """Those of some of the test designs."""
        return self if self.rows is None else replace(self, rows=self.rows[:, chosen])

    def fair(self, matched: Floats, of_random: Callable[[], Floats]) -> Floats:
        """(R, ...) floors of a figure by matched designs; NaN where their gaps may have lifted it.

        What a figure of designs without any gap would be is not known; how fast it rises with the gap is, on
        the way to random designs. It may rise by a standard deviation of its draws.

        Args:
            matched: (R, ...) the figure of each draw of matched designs.
            of_random: gives (R', ...), that of draws of random ones, whose gap is 1.
        """
        if not len(matched):
            return matched
        gap = max(self.gaps.values(), default=0.0)
        if not gap:
            return matched
        random = of_random()
        rise = np.abs(random.mean(axis=0) - matched.mean(axis=0)) / (1 - gap)
        spread = matched.std(axis=0, ddof=1) if len(matched) > 1 else np.zeros_like(rise)
        return np.where(BENT * gap * rise <= spread, matched, np.nan)


class _Values:
    """One condition of both sides; a gap is the difference of numbers, 0 or 1 for categories."""

    def __init__(self, condition: Condition, wanted: Floats, pool: Floats) -> None:
        self.name, self.wanted, self.pool = condition.name, wanted, pool
        self.categories = bool(condition.values)
        self.unit = 1.0
        some = self.between(np.arange(len(wanted))[:SAMPLE], _spread(len(pool)))
        self.unit = float(some[some < UNKNOWN].mean()) if (some < UNKNOWN).any() else 1.0

    def between(self, rows: Rows, others: Rows) -> Floats:
        """(len(rows), len(others))."""
        return self._gaps(self.wanted[rows, None], self.pool[None, others])

    def of_pairs(self, rows: Rows, others: Rows) -> Floats:
        """(P,) of row i of either."""
        return self._gaps(self.wanted[rows], self.pool[others])

    def _gaps(self, wanted: Floats, pool: Floats) -> Floats:
        apart = (wanted != pool).astype(np.float64) if self.categories else np.abs(wanted - pool)
        unknown = np.isnan(wanted).astype(np.int64) + np.isnan(pool)
        # a constant condition has no unit, and no gaps
        return np.select([unknown == 2, unknown == 1], [0.0, UNKNOWN], apart / (self.unit or 1.0))


class _Given:
    """The given components of both sides; sought by squared differences of small pictures, a matrix product,
    and judged by absolute differences of all pixels."""

    def __init__(self, wanted: Population, pool: Population, components: Sequence[int], names: str) -> None:
        self.name = names
        self.wanted, self.pool, self.components = wanted, pool, list(components)
        self.small = [
            reduced(each.images[:, self.components], each.levels, EDGE).flatten(1).numpy()
            for each in (wanted, pool)
        ]
        self.squares = [(side**2).sum(axis=1) for side in self.small]
        self.unit = self.exact_unit = 1.0
        few = np.arange(len(wanted))[:SAMPLE]
        self.unit = float(self.between(few, _spread(len(pool))).mean())
        count = min(SAMPLE, len(wanted), len(pool))
        self.exact_unit = float(self.of_pairs(np.arange(count), _spread(len(pool))[:count]).mean())

    def between(self, rows: Rows, others: Rows) -> Floats:
        products = self.small[0][rows] @ self.small[1][others].T
        apart = self.squares[0][rows, None] + self.squares[1][None, others] - 2 * products
        return np.asarray(np.maximum(apart, 0) / (self.unit or 1.0), dtype=np.float64)

    def of_pairs(self, rows: Rows, others: Rows) -> Floats:
        here, there = (
            side.rows(chosen).images[:, self.components].astype(np.float32)
            for side, chosen in ((self.wanted, rows), (self.pool, others))
        )
        return np.asarray(np.abs(here - there).mean(axis=(1, 2, 3)) / (self.exact_unit or 1.0))


_Part = _Values | _Given


def match(
    asked: Population,
    real: Population,
    pool: Population,
    given: NDArray[np.bool_],
    conditions: Sequence[Condition],
    names: Sequence[str],
    repeats: int,
) -> Matches:
    """Seeded draws of designs of the pool, each with what was asked of one test design, or nearly.

    In each draw half of the pool is to be had, and each design once, as long as there are enough like it.

    Args:
        asked: (n) the generated designs with the conditions that were asked for.
        real: (n) the test designs whose components were given.
        pool: (N) train designs.
        given: bool (C,), which components were given.
        conditions: of the data set.
        names: of its components.
        repeats: draws.
    """
    parts: list[_Part] = [
        _Values(each, asked.condition(each.name), pool.condition(each.name))
        for each in conditions
        if each.name in asked.condition_names and np.isfinite(asked.condition(each.name)).any()
    ]
    if given.any():
        chosen = np.flatnonzero(given).tolist()
        parts.append(_Given(real, pool, chosen, ", ".join(names[c] for c in chosen)))
    if not parts:
        return Matches(None, "the samples are of test designs, but nothing of these was asked for")
    if len(pool) < 2 * len(asked):
        return Matches(None, f"{len(pool)} train designs are too few to match {len(asked)} test designs")
    rng = np.random.default_rng(derive(0, "matched designs", len(asked)))
    first = np.arange(min(ROWS, len(asked)))
    nearest = _candidates(parts, first, len(pool), rng).rows[:, 0]
    gaps = {part.name: float(part.of_pairs(first, nearest).mean()) for part in parts}
    if far := _too_far(gaps):
        return Matches(None, far, gaps)
    candidates = _candidates(parts, np.arange(len(asked)), len(pool), rng)
    rows = np.stack([_draw(candidates, len(pool), rng) for _ in range(repeats)])
    gaps = {part.name: _mean_gap(part, rows, rng) for part in parts}
    far = _too_far(gaps)
    return Matches(None if far else rows, far, gaps)


def _too_far(gaps: Mapping[str, float]) -> str:
    """Why matches so far from what was asked stand in for nobody; empty if they are near enough."""
    far = [f"{gap:.2f} in {name}" for name, gap in gaps.items() if gap > CLOSE]
    if not far:
        return ""
    return (
        f"the train designs most like what was asked for differ from it by {', '.join(far)}, 1 being two "
        f"random designs; they stand in for generated ones up to {CLOSE:g}"
    )


class _Candidates(NamedTuple):
    """(n, K) rows of the pool that are nearest to each wanted row, nearest first, and their gaps."""

    rows: Rows
    gaps: Floats


def _candidates(parts: Sequence[_Part], wanted: Rows, pool: int, rng: np.random.Generator) -> _Candidates:
    """Of equally near ones, random ones."""
    everyone, keep = np.arange(pool), min(CANDIDATES, pool)
    found = _Candidates(np.empty((len(wanted), keep), dtype=np.int64), np.empty((len(wanted), keep)))
    for start in range(0, len(wanted), ROWS):
        here = slice(start, start + ROWS)
        apart = TIES * rng.random((len(wanted[here]), pool))
        for part in parts:
            apart += part.between(wanted[here], everyone)
        nearest = np.argpartition(apart, keep - 1, axis=1)[:, :keep]
        order = np.take_along_axis(apart, nearest, axis=1).argsort(axis=1)
        found.rows[here] = np.take_along_axis(nearest, order, axis=1)
        found.gaps[here] = np.take_along_axis(apart, found.rows[here], axis=1)
    return found


def _draw(candidates: _Candidates, pool: int, rng: np.random.Generator) -> Rows:
    """(n,) one of each row's candidates, of a random half that no other row has taken: one of the nearest."""
    free = rng.random(pool) < 0.5
    chosen = np.empty(len(candidates.rows), dtype=np.int64)
    for row in rng.permutation(len(chosen)):
        own = candidates.rows[row]
        left = np.flatnonzero(free[own])
        left = left if left.size else np.arange(1)  # the nearest of all, once more
        gaps = candidates.gaps[row, left]
        pick = own[rng.choice(left[gaps <= gaps[0] + TIES])]
        free[pick] = False
        chosen[row] = pick
    return chosen


def _mean_gap(part: _Part, rows: Rows, rng: np.random.Generator) -> float:
    """Between test designs and their matches, over a sample of them."""
    draws, count = rows.shape
    some = rng.permutation(draws * count)[:SAMPLE]
    return float(part.of_pairs(some % count, rows.ravel()[some]).mean())


def _spread(count: int) -> Rows:
    """At most ``SAMPLE`` rows of ``count``, in random order."""
    return np.asarray(np.random.default_rng(derive(0, "gaps", count)).permutation(count)[:SAMPLE])
