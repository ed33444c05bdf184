"""How sure figures are, in words: one rule for ``±``, one for bold, one for the noise that intervals hold.

Terminal, report, PDF, tables and ``compare`` all say it with these functions, from what ``summary.json``
holds. A difference counts only where ``differ`` is true there: told from several trainings of both families,
and after allowing for all pairs and figures of the task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

SAMPLING, BOTH, MIXED = "sampling", "training and sampling", "mixed"
"""What intervals hold: the draw of designs alone, another training too, or of some families this, of some
that."""

CONFIDENCE = 0.95
"""The level of intervals where nobody says."""

DRAWS = 2.0
"""Standard deviations of real-against-real draws within which 95 % of them lie, by and large."""


def noise_of(num_seeds: int) -> str:
    """What an interval told from so many trainings holds."""
    return SAMPLING if num_seeds < 2 else BOTH


def noise_in(aggregates: Iterable[Json]) -> str:
    """What the intervals of several models hold; one model with several trainings has nobody to compare
    with."""
    found = [noise_of(int(each.get("num_runs") or 0)) for each in aggregates]
    if all(each == BOTH for each in found) and found:
        return BOTH
    return MIXED if found.count(BOTH) > 1 else SAMPLING


def reach(value: float | None, interval: Sequence[float | None] | None) -> float | None:
    """What stands behind ``±``: how far it is from a value to the farther end of its interval.

    None without an interval, or of one without width.
    """
    if value is None or interval is None:
        return None
    low, high = interval
    return max(high - value, value - low) if low is not None and high is not None and high > low else None


def floor_reach(std: float | None) -> float | None:
    """The same of real designs: to either end of where 95 % of real-against-real draws lie."""
    return DRAWS * std if std else None


def confidence_in(summary: Json) -> float:
    """The level of all intervals of a summary."""
    return float(summary.get("confidence", CONFIDENCE))


def legend_of(summary: Json) -> str:
    """:func:`legend` and :func:`best_rule` of a summary: what a document says once."""
    noise = summary.get("noise") or noise_in(summary["model_aggregates"].values())
    return f"{legend(confidence_in(summary), noise)} {best_rule(noise)}"


def legend(confidence: float, noise: str) -> str:
    """What ``±`` and intervals mean: said once in each document."""
    level = f"{100 * confidence:g} %"
    holds = {
        SAMPLING: "they hold sampling noise only: one training does not tell what another would change",
        BOTH: "they hold training noise (seeds) and sampling noise (designs)",
        MIXED: "they hold training noise (seeds) and sampling noise (designs), of a family that was trained "
        "once sampling noise only",
    }[noise]
    return (
        f"Intervals are at {level}; {holds}. ± reaches to the farther end of an interval; of a floor, "
        "to where most of its draws lie."
    )


def best_rule(noise: str) -> str:
    """Which values are bold: said once in each document, beside :func:`legend`."""
    if noise == SAMPLING:
        return "No value is bold: one training each does not tell which family is best."
    return (
        "Bold: the best value and all that are not told apart from it, where any are (p values adjusted, "
        "Holm, for all pairs and figures of the task)."
    )


def best_of(values: Mapping[str, float], better: str, pairs: Sequence[Json]) -> frozenset[str]:
    """The models whose value is bold: the best, and all that are not told apart from it.

    Nobody where nobody is told apart from the best: then there is nothing to point out.

    Args:
        values: model -> value.
        better: ``lower``, ``higher`` or ``neither``.
        pairs: rows of ``differences`` of this figure.
    """
    if better == "neither" or not values:
        return frozenset()
    best = min(values.values()) if better == "lower" else max(values.values())
    front = {model for model, value in values.items() if value == best}
    behind = {model for model in values if any(apart(pairs, first, model) for first in front)}
    return frozenset(set(values) - behind) if behind else frozenset()


def apart(pairs: Sequence[Json], one: str, other: str) -> bool | None:
    """Whether two models differ, training noise and all pairs allowed for; None if that cannot be told.

    It cannot be told without an interval, and from one training each.
    """
    pair = pair_of(pairs, one, other)
    differ = None if pair is None else pair.get("differ")
    return None if differ is None else bool(differ)


def beyond_sampling(pairs: Sequence[Json], one: str, other: str, confidence: float) -> bool | None:
    """Whether two models differ by more than sampling noise, all pairs allowed for; None if nobody knows."""
    pair = pair_of(pairs, one, other)
    p = None if pair is None else pair.get("p_adjusted")
    return None if p is None else bool(p <= 1 - confidence)


def pair_of(pairs: Sequence[Json], one: str, other: str) -> Json | None:
    """The row of two models, whichever comes first."""
    return next((pair for pair in pairs if {pair["a"], pair["b"]} == {one, other}), None)


def rank_span(interval: Sequence[int] | None) -> str:
    """Where a rank may lie: ``1–3``; empty if nobody knows, or if it can only be one."""
    if interval is None or interval[0] == interval[1]:
        return ""
    return f"{interval[0]}–{interval[1]}"


def bias_in_words(mean: float | None, interval: Sequence[float | None] | None, about: Json) -> str:
    """A signed error: ``0.9 px too narrow``; what the interval does not tell from 0 is said so.

    Args:
        mean: measured minus asked.
        interval: of the mean.
        about: the headline, with ``below`` and ``above``: what is said of a mean below and above 0.
    """
    if mean is None:
        return ""
    side = about.get("below") if mean < 0 else about.get("above")
    words = f"{abs(mean):.2g} {side or ('too low' if mean < 0 else 'too high')}"
    low, high = interval if interval is not None else (None, None)
    if low is None or high is None or low > 0 or high < 0:
        return words if mean else "none"
    return f"{words}, not told from 0" if mean else "none"
