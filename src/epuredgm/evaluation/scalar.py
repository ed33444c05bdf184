"""One measured figure as results hold it: value, interval, floor and ratio; never NaN, never infinite."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Json = dict[str, Any]


class Figure(dict[str, Any]):
    """One measured figure: a JSON-ready mapping that can also say how it comes out on resampled designs.

    Attributes:
        replicates: gives (B,) values whose standard deviation is the figure's error; None if there are none.
            Equally named sets of all families are resampled alike, so that replicates of two families can be
            subtracted from each other.
    """

    def __init__(self, content: Mapping[str, Any], replicates: Replicates | None = None) -> None:
        super().__init__(content)
        self.replicates = replicates


Replicates = Callable[[], NDArray[np.float64]]

DIGITS = 12
"""Significant digits kept: enough for any use, few enough to hide the order in which a machine sums."""

ROUNDING = 1e-9
"""A floor that is this share of a figure is what rounding leaves of 0."""


def number(value: float | None) -> float | None:
    """``value`` rounded for a result file, 0 without a sign; None for what is no finite number."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.{DIGITS}g}") + 0.0


def scalar(
    value: float | None,
    interval: Sequence[float] | None = None,
    floors: NDArray[np.float64] | None = None,
    reason: str = "",
    replicates: Replicates | None = None,
) -> Figure:
    """``{"value", "interval": [low, high], "floor": {"mean", "std"}, "ratio"}``.

    Args:
        value: the figure, or None if there is none; then ``reason`` must say why.
        interval: its two ends, or None.
        floors: the figure of each real-against-real draw (``std`` is over draws, n - 1), or None.
        reason: why the value is missing; kept as ``"reason"``.
        replicates: see :class:`Figure`.

    Raises:
        ValueError: for a missing or infinite value without a reason.
    """
    kept = number(value)
    if kept is None and not reason:
        raise ValueError(f"the figure {value} needs a reason")
    floor = _floor(floors)
    ends = None if interval is None or kept is None else [number(end) for end in interval]
    result: Json = {"value": kept, "interval": ends, "floor": floor, "ratio": ratio(kept, floor)}
    return Figure({**result, "reason": reason}) if kept is None else Figure(result, replicates)


def ratio(value: float | None, floor: Mapping[str, float | None] | None) -> float | None:
    """Value over mean floor: 1 is as good as real designs.

    None where the floor is missing, or 0 but for rounding: then the value speaks for itself.
    """
    mean = floor["mean"] if floor else None
    if value is None or not mean or abs(mean) < ROUNDING * abs(value):
        return None
    return number(value / mean)


def is_scalar(content: Any) -> bool:
    """Whether a part of a result is one figure."""
    return isinstance(content, Mapping) and "value" in content and "interval" in content


def figures(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Every figure of a nested result with its dotted path, in sorted order."""
    for key in sorted(block):
        if is_scalar(block[key]):
            yield f"{prefix}{key}", block[key]
        elif isinstance(block[key], Mapping):
            yield from figures(block[key], f"{prefix}{key}.")


def averaged(blocks: Sequence[Mapping[str, Any]]) -> Json:
    """The mean of several blocks of the same shape, figure by figure, over the blocks that have a value.

    Interval ends and floors are averaged too: the blocks share their test designs, so that their errors go
    together and an average of interval ends covers at least as much as it says. ``std`` is the spread between
    blocks (n - 1), ``count`` how many had a value.
    """
    result: Json = {}
    for key in sorted({key for block in blocks for key in block}):
        parts = [block[key] for block in blocks if key in block]
        if all(is_scalar(part) for part in parts):
            result[key] = _average_scalar(parts)
        elif all(isinstance(part, Mapping) for part in parts) and (inner := averaged(parts)):
            result[key] = inner
    return result


def _average_scalar(parts: Sequence[Mapping[str, Any]]) -> Figure:
    known = [part for part in parts if part["value"] is not None]
    if not known:
        return Figure(parts[0])
    values = np.array([part["value"] for part in known])
    intervals = [part["interval"] for part in known if part["interval"]]
    floors = [part["floor"] for part in known if part["floor"]]
    floors = floors if len(floors) == len(known) else []  # else it would be that of other blocks
    floor = {name: _mean([each[name] for each in floors]) for name in ("mean", "std")} if floors else None
    value = number(float(values.mean()))
    content = {
        "value": value,
        "interval": [_mean([each[side] for each in intervals]) for side in (0, 1)] if intervals else None,
        "floor": floor,
        "ratio": ratio(value, floor),
        "std": number(float(values.std(ddof=1))) if len(values) > 1 else None,
        "count": len(values),
    }
    return Figure(content, _mean_replicates(known))


def _mean_replicates(parts: Sequence[Mapping[str, Any]]) -> Replicates | None:
    """Those of the mean; None where a part has none."""
    own = [part.replicates for part in parts if isinstance(part, Figure) and part.replicates is not None]
    if len(own) < len(parts):
        return None
    return lambda: np.asarray(np.mean([each() for each in own], axis=0))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return number(sum(known) / len(known)) if known else None


def _floor(floors: NDArray[np.float64] | None) -> dict[str, float | None] | None:
    if floors is None or not np.isfinite(floors).any():
        return None
    finite = floors[np.isfinite(floors)]
    std = None
    if len(finite) > 1:  # equal numbers differ from their rounded mean
        std = 0.0 if np.ptp(finite) == 0 else float(finite.std(ddof=1))
    return {"mean": number(float(finite.mean())), "std": number(std)}
