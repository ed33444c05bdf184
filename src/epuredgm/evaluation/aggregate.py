"""One headline figure over the runs of a model: mean, spread, interval and floor.

The interval of several runs is Student's t interval of their values: a value holds both what a new training
changes and what a new draw of designs changes, so that the spread between seeds contains both. It does not
contain that all seeds are held against one test split; that error is shared by all models. Few seeds can
agree by chance (no seed drew an empty design), so it is never narrower than the draw of designs alone allows:
the reach of the runs' own intervals, averaged, over the root of their number. One run has its own interval,
which holds the draw of designs alone: what a new training would change cannot be told from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from epuredgm.evaluation.metric import Headline
from epuredgm.evaluation.scalar import Json, number, ratio

Interval = tuple[float, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Aggregate:
    """One figure of one model.

    Attributes:
        mode: the mode it was read from; None if none has it.
        total: the model's runs.
        num_runs: those of them that have a value.
        mean, std, least, most: over these runs (``std`` n - 1, None for one run); None without any.
        interval: see the module; None where a single run has none.
        floor, floor_std: mean and spread of real-against-real draws, averaged over runs; None without any.
        reason: why there is no mean.
        set_back: every run has an interval, and all of them lie beyond the headline's limit and floor.
    """

    mode: str | None
    total: int
    num_runs: int = 0
    mean: float | None = None
    std: float | None = None
    least: float | None = None
    most: float | None = None
    interval: Interval | None = None
    floor: float | None = None
    floor_std: float | None = None
    reason: str = ""
    set_back: bool = False

    def json(self) -> Json:
        """As ``summary.json`` holds it."""
        result: Json = {
            "mode": self.mode,
            "num_runs": self.num_runs,
            "mean": number(self.mean),
            "std": number(self.std),
            "min": number(self.least),
            "max": number(self.most),
            "interval": None if self.interval is None else [number(end) for end in self.interval],
            "floor": number(self.floor),
            "floor_std": number(self.floor_std),
            "ratio": ratio(self.mean, {"mean": self.floor}),
        }
        return {**result, "reason": self.reason} if self.mean is None else result


def aggregate(
    figures: Sequence[Mapping[str, Any]], head: Headline, mode: str, total: int, confidence: float
) -> Aggregate:
    """The figures of a model's runs (as results hold them) in one mode; ``total`` counts all its runs."""
    known = [figure for figure in figures if figure["value"] is not None]
    floors = [figure["floor"] for figure in figures if figure["floor"]]
    if not all(figure["floor"] for figure in known):  # that of some runs says nothing of the others
        floors = []
    floor, floor_std = (_mean([each[part] for each in floors]) for part in ("mean", "std"))
    if not known:
        reason = next((figure["reason"] for figure in figures if figure.get("reason")), "no run has a value")
        return Aggregate(mode, total, floor=floor, floor_std=floor_std, reason=reason)
    values = np.array([figure["value"] for figure in known], dtype=np.float64)
    own = [_ends(figure["interval"]) for figure in known]
    mean = float(values.mean())
    one = len(known) == 1
    interval = own[0] if one else _cut(seed_interval(values, own, confidence), mean, head.bounds)
    return Aggregate(
        mode=mode,
        total=total,
        num_runs=len(known),
        mean=mean,
        std=None if one else float(values.std(ddof=1)),
        least=float(values.min()),
        most=float(values.max()),
        interval=interval,
        floor=floor,
        floor_std=floor_std,
        set_back=len(own) == total
        and all(
            ends is not None and head.beyond(ends, figure["floor"])
            for ends, figure in zip(own, known, strict=True)
        ),
    )


def absent(total: int, modes: Sequence[str]) -> Aggregate:
    """A figure that applies to ``modes``, of a model that was sampled in none of them."""
    reason = f"no samples of a mode that it applies to ({', '.join(modes)})"
    return Aggregate(None, total, reason=reason)


def seed_interval(values: Floats, own: Sequence[Interval | None], confidence: float) -> Interval:
    """The interval of the mean of two or more values, one a seed: Student's, or wider if need be.

    Args:
        values: (S,) one a seed.
        own: the interval of each value, None where it has none.
        confidence: the level.
    """
    mean, root = float(values.mean()), math.sqrt(len(values))
    quantile = float(stdtrit(len(values) - 1, (1 + confidence) / 2))
    reach = quantile * float(values.std(ddof=1)) / root
    known = [(float(v), ends) for v, ends in zip(values, own, strict=True) if ends is not None]
    below = sum(value - low for value, (low, _) in known) / max(1, len(known)) / root
    above = sum(high - value for value, (_, high) in known) / max(1, len(known)) / root
    return mean - max(reach, below), mean + max(reach, above)


def _cut(interval: Interval, mean: float, bounds: Interval) -> Interval:
    """The interval, ending at the values that the figure can take."""
    return min(mean, max(bounds[0], interval[0])), max(mean, min(bounds[1], interval[1]))


def _ends(interval: Sequence[float] | None) -> Interval | None:
    return None if interval is None else (interval[0], interval[1])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
