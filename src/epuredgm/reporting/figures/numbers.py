"""Numbers on charts: how they are written, which scale shows them, and where labels go that would collide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeGuard

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, SymmetricalLogLocator

DECADES = 2.0
"""Values that span more than this many powers of ten get a logarithmic axis."""


def written(value: float | None, digits: int = 3, pad: bool = False) -> str:
    """A number in few significant digits, thousands apart, with a real minus sign; a dash for none.

    ``pad`` keeps zeros at the end, so that the numbers of a column have the same precision.
    """
    if not known(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1e6:
        return written(value / 1e6, digits, pad) + " M"
    if abs(value) < 1e-4:
        mantissa, exponent = f"{value:.{max(digits - 2, 0)}e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:,.{places}f}"
    short = text.rstrip("0").rstrip(".") if "." in text and not pad else text
    return short.replace("-", "−")


def known(value: float | None) -> TypeGuard[float]:
    """Whether there is a number."""
    return value is not None and math.isfinite(value)


def numbers(values: Iterable[float | None]) -> list[float]:
    """Those that are numbers."""
    return [float(value) for value in values if known(value)]


def scale_for(values: Iterable[float | None]) -> str:
    """``linear``; ``log`` or, with values that are 0 or negative, ``symlog`` where they span many decades."""
    found = numbers(values)
    sizes = _sizes(found)
    if not sizes or math.log10(sizes[-1] / sizes[0]) <= DECADES:
        return "linear"
    return "log" if min(found) >= sizes[0] else "symlog"


def _sizes(found: Sequence[float]) -> list[float]:
    """Absolute values in order, without those that are 0 beside the largest one."""
    largest = max(map(abs, found), default=0.0)
    return sorted(abs(value) for value in found if abs(value) > 1e-9 * largest)


def set_scale(axes: Axes, which: str, scale: str, values: Iterable[float | None], ticks: int = 4) -> None:
    """Give one axis (``x`` or ``y``) its scale, limits around ``values`` and about ``ticks`` plain numbers.

    Differences that are small against the values are shown as such: a linear axis starts at 0 unless that
    would hide them.
    """
    found = numbers(values)
    low, high = _limits(found, scale)
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    limit = axes.set_xlim if which == "x" else axes.set_ylim
    if scale == "linear":
        limit(low, high)
        axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    else:
        change = axes.set_xscale if which == "x" else axes.set_yscale
        smallest = _sizes(found)[0]
        if scale == "log":
            change("log")
            few = math.log10(high / low) < 1.5
            axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if few else (1.0,), numticks=ticks + 2))
        else:
            change("symlog", linthresh=smallest)
            locator = SymmetricalLogLocator(base=10, linthresh=smallest)
            locator.set_params(numticks=ticks + 1)
            axis.set_major_locator(locator)
        limit(low, high)
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))


def _limits(found: Sequence[float], scale: str) -> tuple[float, float]:
    if not found:
        return 0.0, 1.0
    low, high = min(found), max(found)
    if scale == "log":
        room = max(high / low, 1.2) ** 0.06
        return low / room, high * room
    if scale == "symlog":
        return (low * 1.3 if low < 0 else 0.0), high * 1.3
    if low == high == 0:
        return 0.0, 1.0
    if 0 <= low < 0.6 * high:
        return 0.0, high * 1.06
    room = 0.1 * (high - low) or 0.05 * abs(high) or 0.5
    return low - room, high + room


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places at least ``gap`` apart, in the order of those wanted, and by least squares as near to them.

    All lie in [low, high] if there is room for them. It is isotonic regression of what is wanted less the
    gaps: neighbours that are too near are pooled around their mean.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    pools: list[list[float]] = []  # of each pool, what its members want less the gaps before them
    for rank, index in enumerate(order):
        pools.append([wanted[index] - rank * gap])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    ceiling = max(high - (len(wanted) - 1) * gap, low)
    level = [min(max(_mean(pool), low), ceiling) for pool in pools for _ in pool]
    places = [0.0] * len(wanted)
    for rank, index in enumerate(order):
        places[index] = level[rank] + rank * gap
    return places


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
