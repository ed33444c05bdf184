"""Who comes first, and how sure that is: sentences from rankings and paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epuredgm.reporting.numbers import short
from epuredgm.reporting.tables import Cell, Head, Table, block_of, figures_in, label_of, rankings

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one ranking.

    Attributes:
        title: what was ranked.
        first: the family in front.
        measure: by what, in words.
        sureness: how sure it is, in words.
        sure: whether every other family is behind beyond noise; None if nobody compared them.
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
    metric = str(about["metric"])
    headline = summary["headlines"].get(metric)
    if headline is None:
        measure = f"mean rank {short(first['value'])} over {len(about['over'])} figures"
        sure, sureness = _weak_points(summary, name, first["model"], about["over"])
        return Verdict(about["title"], first["model"], measure, sureness, sure, ())
    unit = f" {headline['unit']}" if headline["unit"] else ""
    measure = f"{label_of(summary, metric)} {short(first['value'])}{unit}"
    floor = block_of(summary, name).get(first["model"], {}).get(metric, {}).get("floor")
    if floor is not None:
        measure += f"; real designs {short(floor)}"
    pairs = list(_pairs(summary, _task(summary, name, first["model"], metric), metric))
    others = [str(row["model"]) for row in rest if not row.get("set_back")]
    known = [other for other in others if separated(pairs, first["model"], other) is not None]
    level = tuple(other for other in known if not separated(pairs, first["model"], other))
    sure = None if not known else not level
    return Verdict(about["title"], first["model"], measure, _sureness(others, known, level), sure, level)


def _weak_points(summary: Json, ranking: str, model: str, over: Sequence[str]) -> tuple[bool | None, str]:
    """On which of the figures behind a mean rank some family is better than ``model`` beyond noise."""
    behind, compared = [], 0
    for name in over:
        pairs = list(_pairs(summary, _task(summary, ranking, model, name), name))
        compared += len(pairs)
        if any(_beaten(pair, model, summary["headlines"][name]["better"]) for pair in pairs):
            behind.append(label_of(summary, name))
    if not compared:
        return None, "a mean rank has no interval, and no figure was compared in pairs"
    if not behind:
        return True, "no family is better beyond noise on any of them"
    return False, f"another family is better beyond noise on {', '.join(behind)}"


def _beaten(pair: Json, model: str, better: str) -> bool:
    """Whether ``model`` is the worse one of a pair, beyond noise."""
    interval = pair.get("interval")
    if model not in (pair["a"], pair["b"]) or interval is None or None in interval:
        return False
    low, high = interval if pair["a"] == model else (-interval[1], -interval[0])
    return bool(low > 0 if better == "lower" else high < 0)


def _sureness(others: Sequence[str], known: Sequence[str], level: Sequence[str]) -> str:
    if not others:
        return "no other family to compare with"
    if not known:
        return "no paired comparison with the others"
    if not level:
        return "ahead of every other family beyond noise"
    return f"not told apart from {', '.join(level)}"


def _task(summary: Json, name: str, model: str, metric: str) -> str:
    """The task whose figures a ranking reads."""
    if name in summary["tasks"]:
        return name
    return str(summary["model_aggregates"].get(model, {}).get(metric, {}).get("mode") or "")


def _pairs(summary: Json, task: str, metric: str) -> Iterator[Json]:
    for mode in task.split("+"):
        yield from summary["differences"].get(mode, {}).get(metric, [])


def separated(pairs: Sequence[Json], one: str, other: str) -> bool | None:
    """Whether two families differ beyond noise; None if nobody compared them."""
    for pair in pairs:
        if {pair["a"], pair["b"]} == {one, other}:
            interval = pair.get("interval")
            if interval is None or None in interval:
                return None
            return bool(interval[0] > 0 or interval[1] < 0)
    return None


def difference_tables(summary: Json) -> tuple[tuple[str, tuple[Table, ...]], ...]:
    """For each task, a matrix of families for each figure that ranks and was compared in pairs."""
    tasks = []
    for task, figures in summary["differences"].items():
        ranked = figures_in(summary, summary["tasks"].get(task, {}), ranked=True)
        tables = tuple(
            _matrix(summary, name, pairs) for name, pairs in figures.items() if pairs and name in ranked
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
    for pair in pairs:
        if {pair["a"], pair["b"]} != {row, column} or row == column:
            continue
        sign = 1 if pair["a"] == row else -1
        if pair["difference"] is None:
            return Cell("?", hint=str(pair.get("reason", "")))
        value = sign * pair["difference"]
        interval = pair.get("interval")
        if interval is None or None in interval:
            return Cell(short(value), "no interval")
        low, high = sorted(sign * end for end in interval)
        detail = f"{short(low)} to {short(high)}"
        if low <= 0 <= high:
            return Cell(short(value), detail, hint="no difference beyond noise")
        ahead = (value < 0) == (better == "lower")
        word = "better" if ahead else "worse"
        return Cell(
            short(value), f"{word}, {detail}", hint=f"{row} is {word}", tone="good" if ahead else "bad"
        )
    return Cell("")
