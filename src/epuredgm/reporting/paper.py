"""Tables for papers and issues: one a task, as Markdown and as LaTeX (booktabs)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epuredgm.core.certainty import bias_in_words, floor_reach, legend_of, rank_span
from epuredgm.core.metrics import ARROWS
from epuredgm.reporting.numbers import NOTHING
from epuredgm.reporting.tables import best_in, figures_in

Json = Mapping[str, Any]


@dataclass(frozen=True)
class PaperTable:
    """One task.

    Attributes:
        caption: what was compared with what.
        columns: (title, direction, unit) of each figure.
        rows: (rank with its interval, family, cells); a cell is (value, interval, whether it is bold).
        floor: the cells of real designs; empty strings where there is none.
    """

    caption: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[str, str, tuple[tuple[str, str, bool], ...]], ...]
    floor: tuple[str, ...]


def markdown(summary: Json) -> str:
    """``tables.md``, with what intervals and bold mean above the tables."""
    made = [_as_markdown(table) for table in paper_tables(summary)]
    return "\n".join([f"{legend_of(summary)}\n", *made]) if made else ""


def latex(summary: Json) -> str:
    """``tables.tex``: the same tables, below the same words; needs the package booktabs."""
    made = [_as_latex(table) for table in paper_tables(summary)]
    return "\n".join([rf"\noindent {_tex(legend_of(summary))}", "", *made]) if made else ""


def paper_tables(summary: Json) -> tuple[PaperTable, ...]:
    """A table for each task in which some family was measured; families in the order of its ranking."""
    return tuple(_tables(summary))


def _tables(summary: Json) -> Iterator[PaperTable]:
    for task, block in summary["tasks"].items():
        names = figures_in(summary, block, ranked=True)
        if not names:
            continue
        about = [summary["headlines"][name] for name in names]
        best = {name: best_in(summary, task, name) for name in names}
        rows = []
        for rank, model in _order(summary, task):
            cells = [
                (*_cell(block[model].get(name), each), model in best[name])
                for name, each in zip(names, about, strict=True)
            ]
            rows.append((rank, model, tuple(cells)))
        yield PaperTable(
            caption=_caption(summary, task),
            columns=tuple(
                (str(each["title"]), ARROWS[each["better"]], str(each["unit"]))
                for name, each in zip(names, about, strict=True)
            ),
            rows=tuple(rows),
            floor=tuple(_floor(block, name) for name in names),
        )


def _order(summary: Json, task: str) -> Iterator[tuple[str, str]]:
    """(rank, family) of a task; families that its ranking leaves out come last."""
    block = summary["tasks"][task]
    rows = summary["all_rankings"].get(task, {}).get("rows", ())
    ranked = [(_rank(row), str(row["model"])) for row in rows if row["model"] in block]
    yield from ranked
    yield from ((NOTHING, model) for model in sorted(set(block) - {model for _, model in ranked}))


def _rank(row: Json) -> str:
    """A rank, and where it may lie."""
    span = rank_span(row.get("rank_interval"))
    return f"{row['rank']:g}" + (f" ({span})" if span else "")


def _cell(figure: Json | None, about: Json) -> tuple[str, str]:
    """Value and interval; a signed error in words."""
    if figure is None or figure["mean"] is None:
        return NOTHING, ""
    interval = figure.get("interval")
    low, high = interval or (None, None)
    ends = "" if low is None or high is None or low == high else f"[{_number(low)}, {_number(high)}]"
    words = bias_in_words(figure["mean"], interval, about) if about.get("beside") else ""
    return words or _number(figure["mean"]), ends


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}g}".replace("-", "−")


def _floor(block: Json, name: str) -> str:
    found = (own[name] for own in block.values() if own.get(name, {}).get("floor") is not None)
    figure = next(found, None)
    if figure is None:
        return ""
    beyond = floor_reach(figure.get("floor_std"))
    return _number(figure["floor"]) + (f" ± {_number(beyond, 2)}" if beyond else "")


def _caption(summary: Json, task: str) -> str:
    about = [summary["model_aggregates"][model] for model in summary["tasks"][task]]
    words = [f"{task.capitalize()} designs, data set {summary['dataset']}"]
    for label, key in (("n", "compared"), ("seeds", "seeds"), ("profile", "profiles")):
        values = sorted({value for each in about for value in each.get(key, ())})
        words.append(f"{label} = {', '.join(map(str, values)) or 'unknown'}")
    extractors = ", ".join(sorted(summary.get("extractors") or ()))
    if extractors:
        words.append(f"feature extractors: {extractors}")
    return f"{'; '.join(words)}. Value [interval], rank (interval)."


# the two renderings ---------------------------------------------------------------------------------------


def _as_markdown(table: PaperTable) -> str:
    heads = [
        f"{name} {arrow}".rstrip() + (f" ({unit})" if unit else "") for name, arrow, unit in table.columns
    ]
    lines = [f"{table.caption}", "", _row(["", "family", *heads])]
    lines.append(_row(["---:", "---", *["---:"] * len(heads)]))
    for rank, model, cells in table.rows:
        words = [f"{_strong(value) if best else value} {rest}".strip() for value, rest, best in cells]
        lines.append(_row([rank, model, *words]))
    lines.append(_row(["", "real designs", *(floor or NOTHING for floor in table.floor)]))
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    safe = [cell.replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(safe)} |"


def _strong(words: str) -> str:
    return f"**{words}**"


_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
}


def _tex(words: str) -> str:
    """Plain words as LaTeX."""
    return "".join(_SPECIAL.get(sign, sign) for sign in words)


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _as_latex(table: PaperTable) -> str:
    heads = [
        _tex(f"{name} {arrow}".rstrip() + (f" ({unit})" if unit else ""))
        for name, arrow, unit in table.columns
    ]
    body = []
    for rank, model, cells in table.rows:
        words = []
        for value, rest, best in cells:
            number = rf"\textbf{{{_tex(value)}}}" if best else _tex(value)
            words.append(f"{number} {_tex(rest)}".strip())
        body.append(_line([_tex(rank), _tex(model), *words]))
    floors = [_tex(floor or NOTHING) for floor in table.floor]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(table.caption)}}}",
            rf"\begin{{tabular}}{{rl{'r' * len(heads)}}}",
            r"\toprule",
            _line(["", "family", *heads]),
            r"\midrule",
            *body,
            r"\midrule",
            _line(["", "real designs", *floors]),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )
