"""Who comes first, and how sure that is: sentences from rankings and paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epuredgm.core.certainty import SAMPLING, apart, beyond_sampling, confidence_in, pair_of
from epuredgm.reporting.numbers import short
from epuredgm.reporting.tables import Cell, Head, Table, block_of, figures_in, label_of, rankings

Json = Mapping[str, Any]

ONE_TRAINING = "sampling noise only, one training each"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one ranking.

    Attributes:
        title: what was ranked.
        first: the family in front.
        measure: by what, in words.
        sureness: how sure it is, in words.
        sure: whether it is first whatever training and sampling change; None if that cannot be told, as it
            never can from one training each.
        others: families that were not told apart from the first.
    """

    title: str
    first: str
    measure: str
    sureness: str
    sure: bool | None
    others: tuple[str, ...]


def verdicts(summary: Json) -> tuple[Verdict, ...]:
    """One for each ranking that has a family in it."""
    return tuple(_verdict(summary, name, about) for name, about in rankings(summary).items())


def _verdict(summary: Json, name: str, about: Json) -> Verdict:
    first, *rest = about["rows"]
    model, metric = str(first["model"]), str(about["metric"])
    headline = summary["headlines"].get(metric)
    if headline is None:
        measure = f"mean rank {short(first['value'])} over {len(about['over'])} figures"
        sure, sureness = _weak_points(summary, name, first, about["over"])
        return Verdict(about["title"], model, measure, sureness + _rank(first), sure, ())
    unit = f" {headline['unit']}" if headline["unit"] else ""
    measure = f"{label_of(summary, metric)} {short(first['value'])}{unit}"
    floor = block_of(summary, name).get(model, {}).get(metric, {}).get("floor")
    if floor is not None:
        measure += f"; real designs {short(floor)}"
    pairs = list(_pairs(summary, _task(summary, name, model, metric), metric))
    others = [str(row["model"]) for row in rest if not row.get("set_back")]
    sure, sureness, level = _sureness(model, others, pairs, confidence_in(summary))
    return Verdict(about["title"], model, measure, sureness + _rank(first), sure, level)


def _rank(row: Json) -> str:
    """Where the rank of the first may lie, to be added to how sure it is."""
    low, high = row.get("rank_interval") or (None, None)
    if low is None:
        return ""
    return f"; its rank stays {low}" if low == high else f"; its rank lies in {low} to {high}"


def _sureness(
    first: str, others: Sequence[str], pairs: Sequence[Json], confidence: float
) -> tuple[bool | None, str, tuple[str, ...]]:
    """Whether the first is ahead of all others, the same in words, and those that it is not told apart
    from."""
    if not others:
        return None, "no other family to compare with", ()
    known = [other for other in others if apart(pairs, first, other) is not None]
    if known:
        level = tuple(other for other in others if not apart(pairs, first, other))
        if level:
            return False, f"not told apart from {', '.join(level)}", level
        return True, "ahead of every other family beyond training and sampling noise", ()
    told = {other: beyond_sampling(pairs, first, other, confidence) for other in others}
    level = tuple(other for other, beyond in told.items() if beyond is False)
    if level:
        return None, f"{ONE_TRAINING}: not even by that told apart from {', '.join(level)}", level
    if any(beyond is None for beyond in told.values()):
        return None, "no paired comparison with all others", ()
    return None, f"{ONE_TRAINING}: whether another training would change the order is not known", ()


def _weak_points(summary: Json, ranking: str, first: Json, over: Sequence[str]) -> tuple[bool | None, str]:
    """On which of the figures behind a mean rank some family is better than the first."""
    model, behind, noise = first["model"], [], set()
    for name in over:
        better = summary["headlines"][name]["better"]
        pairs = list(_pairs(summary, _task(summary, ranking, model, name), name))
        noise |= {SAMPLING if pair.get("differ") is None else "" for pair in pairs}
        if any(_beaten(pair, model, better, confidence_in(summary)) for pair in pairs):
            behind.append(label_of(summary, name))
    where = ", ".join(behind)
    if not noise:
        return None, "a mean rank has no interval, and no figure was compared in pairs"
    if noise == {SAMPLING}:
        more = (
            f"another family is better by more than that on {where}"
            if behind
            else "no family is better by more than that on any of them"
        )
        return None, f"{ONE_TRAINING}: {more}"
    if behind:
        return False, f"another family is better beyond training and sampling noise on {where}"
    alone = first.get("rank_interval") == [1, 1]
    return alone or None, "no family is told to be better on any of them"


def _beaten(pair: Json, model: str, better: str, confidence: float) -> bool:
    """Whether ``model`` is the worse one of a pair, by more than what the pair's interval holds."""
    if model not in (pair["a"], pair["b"]) or pair["difference"] is None:
        return False
    beyond = pair.get("differ")
    if beyond is None:
        beyond = beyond_sampling([pair], pair["a"], pair["b"], confidence)
    sign = 1 if pair["a"] == model else -1
    return bool(beyond) and (sign * pair["difference"] > 0) == (better == "lower")


def _task(summary: Json, name: str, model: str, metric: str) -> str:
    """The task whose figures a ranking reads."""
    if name in summary["tasks"]:
        return name
    return str(summary["model_aggregates"].get(model, {}).get(metric, {}).get("mode") or "")


def _pairs(summary: Json, task: str, metric: str) -> Iterator[Json]:
    for mode in task.split("+"):
        yield from summary["differences"].get(mode, {}).get(metric, [])


def difference_tables(summary: Json) -> tuple[tuple[str, tuple[Table, ...]], ...]:
    """For each task, a matrix of families for each figure that ranks and was compared in pairs."""
    tasks = []
    for task, figures in summary["differences"].items():
        ranked = figures_in(summary, summary["tasks"].get(task, {}), ranked=True)
        tables = tuple(
            _matrix(summary, name, pairs)
            for name, pairs in figures.items()
            if pairs and name in ranked and summary["headlines"][name]["better"] != "neither"
        )
        if tables:
            tasks.append((task, tables))
    return tuple(tasks)


def _matrix(summary: Json, name: str, pairs: Sequence[Json]) -> Table:
    about = summary["headlines"][name]
    named = {pair[side] for pair in pairs for side in ("a", "b")}
    models = [str(row["model"]) for row in summary["rankings"] if row["model"] in named]
    heads = (Head("", numeric=False), *(Head(model) for model in models))
    rows = []
    for model in models:
        cells = [_difference(pairs, model, other, about["better"]) for other in models]
        rows.append((Cell(model, model=model), *cells))
    unit = f" {about['unit']}" if about["unit"] else ""
    return Table(
        title=label_of(summary, name),
        heads=heads,
        rows=tuple(rows),
        caption=f"{name}{unit}, {about['better']} is better: row minus column, with interval.",
        sortable=False,
    )


def _difference(pairs: Sequence[Json], row: str, column: str, better: str) -> Cell:
    pair = None if row == column else pair_of(pairs, row, column)
    if pair is None:
        return Cell("")
    if pair["difference"] is None:
        return Cell("?", hint=str(pair.get("reason", "")))
    sign = 1 if pair["a"] == row else -1
    value = sign * pair["difference"]
    interval = pair.get("interval")
    if interval is None or None in interval:
        return Cell(short(value), "no interval")
    low, high = sorted(sign * end for end in interval)
    detail = f"{short(low)} to {short(high)}"
    if not pair.get("differ"):
        return Cell(short(value), detail, hint=_not_told(pair))
    ahead = (value < 0) == (better == "lower")
    word = "better" if ahead else "worse"
    return Cell(short(value), f"{word}, {detail}", hint=f"{row} is {word}", tone="good" if ahead else "bad")


def _not_told(pair: Json) -> str:
    if pair.get("differ") is None:
        return ONE_TRAINING
    p = pair.get("p_adjusted")
    return "not told apart" if p is None else f"not told apart: adjusted p {short(p)}"
