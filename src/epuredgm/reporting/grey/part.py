"""A part of a report on grey pictures, and how figures are read from results that may lack them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epuredgm.core.certainty import floor_reach
from epuredgm.evaluation.scalar import is_scalar
from epuredgm.reporting.charts import Chart
from epuredgm.reporting.numbers import NOTHING, short, span
from epuredgm.reporting.tables import Cell, Head, Table

Json = Mapping[str, Any]
Blocks = Sequence[tuple[str, Json]]
"""(name of a set of samples, what was measured on it)."""


@dataclass(frozen=True)
class Part:
    """Sentences, tables and charts under one title.

    Attributes:
        tone: ``good``, ``warn`` or ``bad`` where the part is a verdict, else empty.
    """

    title: str
    words: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    tone: str = ""


def blocks_of(result: Json) -> Blocks:
    """Every set of samples of a result with its measurements, those around given components apart."""
    found: list[tuple[str, Json]] = []
    for mode, content in result.get("modes", {}).items():
        if not isinstance(content, Mapping):
            continue
        if "counts" in content:
            found.append((str(mode), content))
        else:
            inner = [(f"{mode} {key}", each) for key, each in content.items() if isinstance(each, Mapping)]
            found.extend(inner or [(str(mode), content)])
    return found


def at(content: Any, path: str) -> Any:
    """What stands at a dotted path; None if nothing does."""
    for key in path.split(".") if path else ():
        if not isinstance(content, Mapping):
            return None
        content = content.get(key)
    return content


def is_figure(content: Any) -> bool:
    """Whether it is one measured figure, or a plain number in place of one."""
    if isinstance(content, Mapping):
        return is_scalar(content) or ("value" in content and not isinstance(content["value"], Mapping))
    return isinstance(content, (int, float)) and not isinstance(content, bool)


def value_of(content: Any) -> float | None:
    """The number of a figure; None if there is none."""
    value = content.get("value") if isinstance(content, Mapping) else content
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def reason_of(content: Any) -> str:
    """Why a figure, or a block, is missing; empty if it is not or does not say."""
    return str(content.get("reason") or "") if isinstance(content, Mapping) else ""


def figures_in(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure below a block with its dotted path, in the block's own order."""
    if not isinstance(content, Mapping):
        return
    for key, each in content.items():
        if is_figure(each):
            yield f"{prefix}{key}", each
        elif isinstance(each, Mapping):
            yield from figures_in(each, f"{prefix}{key}.")


def figure_cells(content: Any) -> tuple[Cell, Cell, Cell, Cell]:
    """Value, interval, floor and ratio."""
    about = content if isinstance(content, Mapping) else {}
    ends = about.get("interval") or [about.get("low"), about.get("high")]
    floor = about.get("floor")
    mean = floor.get("mean") if isinstance(floor, Mapping) else floor
    std = floor.get("std") if isinstance(floor, Mapping) else None
    value, beyond = value_of(content), floor_reach(std)
    return (
        Cell(short(value), key=value, hint=reason_of(content)),
        Cell(span(ends) or NOTHING),
        Cell(short(mean), f"± {short(beyond)}" if beyond else "", mean),
        Cell(short(about.get("ratio")), key=about.get("ratio")),
    )


def figure_part(title: str, rows: Sequence[tuple[str, str, Any]], absent: str, *words: str) -> Part:
    """A table of figures.

    Args:
        title: of the part.
        rows: (what it is, of which samples, the figure).
        absent: said if there are no rows.
        words: said above.
    """
    if not rows:
        return Part(title, (*words, absent))
    missing = [
        f"{label}, {mode}: no value, because {reason_of(figure)}."
        for label, mode, figure in rows
        if value_of(figure) is None and reason_of(figure)
    ]
    heads = (
        Head("Figure", numeric=False),
        Head("Samples", numeric=False),
        Head("Value"),
        Head("Interval"),
        Head("Floor", "real against real"),
        Head("Ratio", "to the floor"),
    )
    body = tuple((Cell(label), Cell(mode), *figure_cells(figure)) for label, mode, figure in rows)
    return Part(title, (*words, *missing), (Table(title, heads, body, sortable=False),))


def named(blocks: Blocks, entries: Sequence[tuple[str, str]]) -> list[tuple[str, str, Any]]:
    """(what, samples, figure) of each of some (what, dotted path) that some samples have."""
    return [
        (label, mode, figure)
        for label, path in entries
        for mode, block in blocks
        if is_figure(figure := at(block, path))
    ]


def everything(blocks: Blocks, key: str) -> list[tuple[str, str, Any]]:
    """(what, samples, figure) of all figures of one metric, by their own names."""
    return [
        (words(name), mode, figure)
        for mode, block in blocks
        for name, figure in figures_in(block.get(key), f"{key}.")
    ]


def without(blocks: Blocks, key: str, what: str) -> str:
    """Why there is nothing of a metric, in a sentence."""
    if not blocks:
        return f"{what}: no samples were evaluated."
    reasons = {reason_of(block.get(key)) for _, block in blocks} - {""}
    if reasons:
        return f"{what}: {'; '.join(sorted(reasons))}."
    return f"{what}: not measured on {', '.join(mode for mode, _ in blocks)}."


def words(path: str) -> str:
    """A dotted path as words."""
    return path.replace(".", ": ", 1).replace(".", ", ").replace("_", " ")
