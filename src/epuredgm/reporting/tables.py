"""Tables of a report: cells with what they sort by, from the summary of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epuredgm.core.certainty import best_of, bias_in_words, floor_reach, rank_span
from epuredgm.core.metrics import ARROWS
from epuredgm.reporting.numbers import NOTHING, place, short, span

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One cell: what it says, a second line, what it sorts by, whether it is the best of its column.

    Attributes:
        hint: more, shown on pointing at it.
        model: name of a family, if the cell names one.
        tone: ``good``, ``warn``, ``bad`` or nothing.
    """

    text: str
    detail: str = ""
    key: float | str | None = None
    best: bool = False
    hint: str = ""
    model: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Head:
    """One column: its label, a second line, and whether it holds numbers."""

    label: str
    detail: str = ""
    numeric: bool = True
    hint: str = ""
    better: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its header. ``sorted_by`` is the column that it comes sorted by."""

    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foot: tuple[Cell, ...] = ()
    caption: str = ""
    sortable: bool = True
    sorted_by: int | None = None


def label_of(summary: Json, name: str) -> str:
    """A figure in words: a headline's title; what else ranks (a mean rank) has its own name."""
    about = summary["headlines"].get(name)
    return name.replace("_", " ") if about is None else str(about["title"])


def head_of(summary: Json, name: str) -> Head:
    """The column of a headline figure."""
    about = summary["headlines"][name]
    words = [name, ARROWS[about["better"]], str(about["unit"])]
    return Head(
        label_of(summary, name),
        " ".join(word for word in words if word),
        hint=better_in_words(about),
        better=about["better"],
    )


def better_in_words(about: Json) -> str:
    """Which way a headline is better."""
    if about["better"] == "neither":
        return "0 is best" if about.get("beside") else "neither way is better"
    return f"{about['better']} is better"


def figure_cell(figure: Json | None, about: Json, best: bool = False) -> Cell:
    """One aggregate of the summary: its mean, with the interval below; a signed error also in words."""
    if figure is None:
        return Cell(NOTHING, hint="not measured")
    if figure["mean"] is None:
        return Cell(NOTHING, hint=str(figure.get("reason", "")))
    value = float(figure["mean"])
    interval = figure.get("interval")
    if about.get("beside"):
        told = [bias_in_words(value, interval, about), span(interval)]
        return Cell(short(value), "; ".join(each for each in told if each), value)
    ratio = figure.get("ratio")
    hint = f"{short(ratio)} times the floor" if ratio is not None else ""
    return Cell(short(value), span(interval), value, best, hint)


def floor_cell(figures: Sequence[Json]) -> Cell:
    """The same figure of real designs."""
    known = [each for each in figures if each.get("floor") is not None]
    if not known:
        return Cell(NOTHING)
    beyond = floor_reach(known[0].get("floor_std"))
    return Cell(short(known[0]["floor"]), f"± {short(beyond)}" if beyond else "", known[0]["floor"])


def block_of(summary: Json, task: str) -> Json:
    """The aggregates by model of one task, or those of whole families for rankings that are of no task."""
    found = summary["tasks"].get(task) or summary["model_aggregates"]
    assert isinstance(found, Mapping)
    return found


def figures_in(summary: Json, block: Json, ranked: bool = False) -> tuple[str, ...]:
    """Headline figures that some family of a block has; only those that rank, if so asked.

    What the main ranking is by comes first; a signed error stands behind the one whose sign it tells.
    """
    about = summary["headlines"]
    found = [
        name for name in about if any(each.get(name, {}).get("mean") is not None for each in block.values())
    ]
    chosen = summary.get("ranked_by", {}).get("metric")
    alone = sorted((name for name in found if not about[name].get("beside")), key=lambda name: name != chosen)
    beside = {name: [each for each in found if about[each].get("beside") == name] for name in alone}
    return tuple(
        each
        for name in alone
        if not ranked or about[name].get("ranked") or about[name].get("decides")
        for each in (name, *beside[name])
    )


def best_in(summary: Json, task: str, name: str) -> frozenset[str]:
    """The families whose value of a figure is bold, see :func:`epuredgm.core.certainty.best_of`."""
    block = block_of(summary, task)
    values = {
        model: float(own[name]["mean"])
        for model, own in block.items()
        if own.get(name, {}).get("mean") is not None
    }
    modes = {str(block[model][name].get("mode")) for model in values}
    mode = task if task in summary["tasks"] else next(iter(modes)) if len(modes) == 1 else ""
    pairs = summary["differences"].get(mode, {}).get(name, ())
    return best_of(values, summary["headlines"][name]["better"], pairs)


def rankings(summary: Json) -> dict[str, Json]:
    """The rankings that say something: with families, over some figure, and not what an earlier one says."""
    told: dict[str, Json] = {}
    for name, about in summary["all_rankings"].items():
        says = (about["metric"], about["over"], about["rows"])
        if (
            about["rows"]
            and about["over"]
            and says not in [(each["metric"], each["over"], each["rows"]) for each in told.values()]
        ):
            told[name] = about
    return told


def floor_notes(summary: Json) -> tuple[str, ...]:
    """What the floor of distances is, for each task, in a sentence."""
    words = {
        "random": "real train designs against real test designs, both drawn at random",
        "matched": "train designs with what was asked for, against the same test designs; where they differ "
        "too much from it there is none, and nobody is level with real designs",
        "none": "distances have none, and nobody is level with real designs by them",
    }
    notes = []
    for task, facts in summary.get("floors", {}).items():
        if facts is not None:
            reason = f": {facts['reason']}" if facts.get("reason") else ""
            notes.append(f"{task.capitalize()}: {words[facts['kind']]}{reason}.")
    return tuple(notes)


def ranking_tables(summary: Json) -> tuple[tuple[str, Table], ...]:
    """Every ranking by its name."""
    return tuple((name, _ranking(summary, name, about)) for name, about in rankings(summary).items())


def _ranking(summary: Json, name: str, about: Json) -> Table:
    block = block_of(summary, name)
    metric = str(about["metric"])
    telling = {*figures_in(summary, block, ranked=True), *about["over"]} - {metric}
    shown = [each for each in figures_in(summary, block) if each in telling]
    heads = [Head("Rank"), Head("Family", numeric=False), _ruler(summary, metric)]
    heads += [head_of(summary, each) for each in shown]
    best = {each: best_in(summary, name, each) for each in (*shown, metric) if each in summary["headlines"]}
    rows = [_row(summary, block, shown, row, metric, best) for row in about["rows"]]
    floors: list[Cell] = [Cell("", key=None), Cell("real designs"), _floor(block, metric)]
    floors += [_floor(block, each) for each in shown]
    if any(row.get("set_back") for row in about["rows"]):
        heads.append(Head("Set back", numeric=False))
        rows = [
            (*cells, Cell(str(row.get("set_back") or ""), tone="bad" if row.get("set_back") else ""))
            for cells, row in zip(rows, about["rows"], strict=True)
        ]
        floors.append(Cell(""))
    return Table(
        title=str(about["title"]),
        heads=tuple(heads),
        rows=tuple(rows),
        foot=tuple(floors),
        caption=f"Ranked by {label_of(summary, metric)}: {about['reason']}.",
        sorted_by=0,
    )


def _ruler(summary: Json, metric: str) -> Head:
    """The column of what ranked."""
    known = metric in summary["headlines"]
    return head_of(summary, metric) if known else Head("Mean rank", f"{metric} ↓", better="lower")


def _row(
    summary: Json,
    block: Json,
    shown: Sequence[str],
    row: Json,
    metric: str,
    best: Mapping[str, frozenset[str]],
) -> tuple[Cell, ...]:
    model = str(row["model"])
    figures = block.get(model, {})
    value = row["value"]
    cells = [
        Cell(place(row["rank"]), rank_span(row.get("rank_interval")), float(row["rank"])),
        Cell(model, key=model, model=model),
        Cell(short(value), span(row.get("interval")), value, model in best.get(metric, ())),
    ]
    for name in shown:
        cells.append(figure_cell(figures.get(name), summary["headlines"][name], model in best[name]))
    return tuple(cells)


def _floor(block: Json, name: str) -> Cell:
    return floor_cell([figures[name] for figures in block.values() if name in figures])


def bias_tables(summary: Json) -> tuple[tuple[str, Table], ...]:
    """For each task that asks for numbers, a family a line: each error, and which way it goes."""
    made = []
    for task, block in summary["tasks"].items():
        signed = [name for name in figures_in(summary, block) if summary["headlines"][name].get("beside")]
        if not signed:
            continue
        shown = [each for name in signed for each in (summary["headlines"][name]["beside"], name)]
        models = [str(row["model"]) for row in summary["rankings"] if row["model"] in block]
        rows = [
            (
                Cell(model, key=model, model=model),
                *(
                    figure_cell(block[model].get(name), summary["headlines"][name], model in best)
                    for name in shown
                    for best in [best_in(summary, task, name)]
                ),
            )
            for model in models
        ]
        heads = (Head("Family", numeric=False), *(head_of(summary, name) for name in shown))
        floors = (Cell("real designs"), *(_floor(block, name) for name in shown))
        caption = (
            "Error and bias of what was asked for; a bias that its interval does not tell from 0 is said so."
        )
        made.append((task, Table(f"Bias, {task}", heads, tuple(rows), floors, caption)))
    return tuple(made)


def all_figures(summary: Json) -> tuple[tuple[str, Table], ...]:
    """For each task, every headline figure of every family; a figure a line."""
    tables = []
    for task, block in summary["tasks"].items():
        models = [str(row["model"]) for row in summary["rankings"] if row["model"] in block]
        heads = (Head("Figure", numeric=False), *(Head(model) for model in models), Head("real designs"))
        rows = []
        for name in figures_in(summary, block):
            about, best = summary["headlines"][name], best_in(summary, task, name)
            head = head_of(summary, name)
            cells = [figure_cell(block[model].get(name), about, model in best) for model in models]
            rows.append((Cell(head.label, head.detail, name), *cells, _floor(block, name)))
        if rows:
            tables.append((task, Table(task, heads, tuple(rows), sortable=False)))
    return tuple(tables)
