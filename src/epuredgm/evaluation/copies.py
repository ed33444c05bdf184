"""The verdict on copies: may generated pictures be released, or do they repeat the train split?

What independent pictures show is read from held-out real ones, of patients that are not in the train split.
Copies make it *failed*. Where nothing speaks against the pictures but a test cannot be made, it is *not
decided*, which is not passed either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_GENERATED, FEWEST_TRAIN, FEWEST_HELD_OUT = 50, 100, 100
QUANTILE = 0.01  # of the held-out pictures: a generated one beyond it is near
SINGLED_OUT = 0.1  # quantile of relative distances: beyond it a picture is not near, only smooth
ALLOWED = 0.03  # share of near ones that is always allowed
CHANCE = 0.01  # that so many independent pictures are near, below which they are too many
CORRELATION = 0.98  # above it a picture is a copy, unless unseen real ones are as alike
MARGIN = 0.2  # of the way from the most alike held-out picture to 1: what 200 others may show beyond 130
REPEATED = 0.995  # held-out pictures as alike as this are train pictures themselves

PASSED, FAILED, NOT_DECIDED, NOT_CHECKED = "passed", "failed", "not decided", "not checked"

Floats = NDArray[np.float64]


def verdict(content: object) -> str:
    """The word for the gate's figures in a result: one of the four above; all but ``passed`` keep samples in.

    Results of earlier versions call a set that is too small failed; their counts tell.
    """
    figures = content if isinstance(content, Mapping) else {}
    passed = figures.get("passed")
    if passed is True:
        return PASSED
    if passed is False:
        return NOT_DECIDED if _counted_too_few(figures) else FAILED
    if figures.get("verdict") == NOT_DECIDED or figures.get("reasons"):
        return NOT_DECIDED
    return NOT_CHECKED


def correlation_of(distance: float) -> float:
    """The correlation behind a distance, see :func:`epuredgm.evaluation.nearness.distances`."""
    return 1 - distance**2 / 2


def _counted_too_few(figures: Mapping[str, Any]) -> bool:
    counts, limits = figures.get("counts"), figures.get("limits")
    if not isinstance(counts, Mapping) or not isinstance(limits, Mapping):
        return False
    needed = zip(("generated", "train", "held_out"), limits.get("fewest") or (), strict=False)
    return any(isinstance(counts.get(name), int) and counts[name] < fewest for name, fewest in needed)


@dataclass(frozen=True)
class Nearness:
    """How many generated pictures are nearer to the train split than held-out ones are.

    Attributes:
        near: (N,) which.
        quantile: the value up to which one is near.
        bound: the largest share of near ones that is allowed.
    """

    near: NDArray[np.bool_]
    quantile: float
    bound: float

    @property
    def share(self) -> float:
        """Of near ones among the generated pictures."""
        return float(self.near.mean())

    @property
    def passed(self) -> bool:
        """Whether there are not more than the bound allows."""
        return self.share <= self.bound


def nearness(generated: Floats, held_out: Floats, among: NDArray[np.bool_] | None = None) -> Nearness:
    """Compare distances to the nearest train picture, (N,) of generated and (M,) of held-out pictures.

    Args:
        generated: of generated pictures.
        held_out: of held-out real ones.
        among: (N,) the generated ones that may be near at all; all without it.
    """
    place = max(1, math.floor(QUANTILE * len(held_out)))
    quantile = float(np.sort(held_out)[place - 1])
    bound = allowed_share(len(generated), len(held_out), place)
    near = ~(generated > quantile)  # what has no distance could not be told from a copy
    return Nearness(near if among is None else near & among, quantile, bound)


def singled_out(generated: Floats, held_out: Floats) -> NDArray[np.bool_]:
    """(N,) whether a picture is nearer to its nearest train picture than to others, by relative distances.

    Mean pictures are near to many train pictures and copies of none.
    """
    return np.asarray(generated <= np.quantile(held_out, SINGLED_OUT))


def allowed_share(generated: int, held_out: int, place: int) -> float:
    """The largest share of near pictures that is no evidence of copying; 3 % at least.

    A larger one is such that fewer than 1 % of independent sets of this count reach it, whatever the
    distances' law.
    """
    count = next(
        (k for k in range(generated + 1) if chance_of(k, generated, held_out, place) < CHANCE), generated + 1
    )
    return max(ALLOWED, (count - 1) / generated)


def chance_of(near: int, generated: int, held_out: int, place: int) -> float:
    """How probable it is that ``near`` or more generated pictures lie below the ``place``-th held-out one.

    If both sets are independent draws of one law: then every order of all distances is equally probable, and
    it happens where at most ``place - 1`` of the smallest ``near + place - 1`` are held-out ones, a
    hypergeometric count.
    """
    smallest = near + place - 1
    ways = sum(math.comb(held_out, i) * math.comb(generated, smallest - i) for i in range(place))
    return ways / math.comb(generated + held_out, smallest) if near else 1.0


def correlation_limit(held_out: Floats) -> float:
    """Above which correlation with a train picture a generated one is a copy."""
    highest = float(held_out.max())
    return max(CORRELATION, highest + MARGIN * (1 - highest))


def too_few(generated: int, train: int, held_out: int) -> str:
    """Why a set is too small for a verdict; empty if it is not."""
    needed = (
        ("generated", generated, FEWEST_GENERATED),
        ("train", train, FEWEST_TRAIN),
        ("held-out real", held_out, FEWEST_HELD_OUT),
    )
    return "; ".join(
        f"too few: {count} {name} pictures, {fewest} are needed"
        for name, count, fewest in needed
        if count < fewest
    )


def described(test: Nearness, of: str) -> str:
    """What is wrong, in a sentence; empty if nothing is."""
    if test.passed:
        return ""
    return (
        f"{test.share:.1%} of the generated pictures are nearer to a train picture, in {of}, than the "
        f"nearest {QUANTILE:.0%} of unseen real ones; at most {test.bound:.1%} may be"
    )
