"""One headline figure over the runs of a model: mean, spread, interval and floor.

The interval of several runs is Student's t interval of their values: a value holds both what a new training
changes and what a new draw of designs changes, so that the spread between seeds contains both. It does not
contain that all seeds are held against one test split; that error is shared by all models. One run has its
own interval, which holds the draw of designs alone: what a new training would change cannot be told from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from epuredgm.evaluation.metric import Headline
from epuredgm.evaluation.scalar import Json, number, ratio

Interval = tuple[float, float]


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
        set_back: every run has an interval, and all of them lie beyond the headline's limit.
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
    floor, floor_std = (_mean([each[part] for each in floors]) for part in ("mean", "std"))
    if not known:
        reason = next((figure["reason"] for figure in figures if figure.get("reason")), "no run has a value")
        return Aggregate(mode, total, floor=floor, floor_std=floor_std, reason=reason)
    values = np.array([figure["value"] for figure in known], dtype=np.float64)
    own = [tuple(figure["interval"]) for figure in known if figure["interval"]]
    one = len(known) == 1
    return Aggregate(
        mode=mode,
        total=total,
        num_runs=len(known),
        mean=float(values.mean()),
        std=None if one else float(values.std(ddof=1)),
        least=float(values.min()),
        most=float(values.max()),
        interval=next(iter(own), None) if one else t_interval(values, confidence, head.bounds),
        floor=floor,
        floor_std=floor_std,
        set_back=len(own) == total and all(head.beyond(interval) for interval in own),
    )


def absent(total: int, modes: Sequence[str]) -> Aggregate:
    """A figure that applies to ``modes``, of a model that was sampled in none of them."""
    reason = f"no samples of a mode that it applies to ({', '.join(modes)})"
    return Aggregate(None, total, reason=reason)


def t_interval(
    values: np.typing.NDArray[np.float64], confidence: float, bounds: Interval = (-math.inf, math.inf)
) -> Interval:
    """Student's t interval of the mean of two or more values, cut at ``bounds``."""
    mean = float(values.mean())
    count = len(values)
    quantile = float(stdtrit(count - 1, (1 + confidence) / 2))
    reach = quantile * float(values.std(ddof=1)) / math.sqrt(count)
    return min(mean, max(bounds[0], mean - reach)), max(mean, min(bounds[1], mean + reach))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
